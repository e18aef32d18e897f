//! Credential helpers: `docker-credential-NAME get`, with a server on its standard input and a document with user and secret on its standard output.

use std::{
    io::{self, Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{
    error::HelperProblem,
    login::{Login, Secret},
};
use crate::core::environment::Environment;

/// A helper that asks a person has so long; those that ask a cloud need a second.
const PATIENCE: Duration = Duration::from_mins(1);

/// No answer is as long: bytes.
const MOST_ANSWER: u64 = 1 << 20;

/// What helpers say, in these words, if they know nothing of a server.
const NOTHING: &str = "credentials not found in native keychain";

/// The user that helpers give if the secret is a token to be exchanged.
const TOKEN_USER: &str = "<token>";

/// A helper.
pub(super) struct Helper {
    /// Its program.
    pub(super) program: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

impl Helper {
    pub(super) fn new(name: &str) -> Self {
        Self { program: format!("docker-credential-{name}") }
    }

    /// What it has for a server; `None` if it has nothing.
    pub(super) fn get(&self, environment: &Environment, server: &str) -> Result<Option<Login>, HelperProblem> {
        self.get_within(environment, server, PATIENCE)
    }

    fn get_within(
        &self,
        environment: &Environment,
        server: &str,
        patience: Duration,
    ) -> Result<Option<Login>, HelperProblem> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !self.program.bytes().all(is_name) {
            return Err(HelperProblem::Name);
        }
        let mut files = environment.search_path().map(|folder| folder.join(&self.program));
        let program = files.find(|path| path.is_file()).ok_or(HelperProblem::NotFound)?;
        let mut command = Command::new(program);
        // What a helper writes there is for its own messages, and may be anything.
        command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(HelperProblem::Run)?;
        let answer = talk(&mut child, server, patience);
        if answer.is_err() {
            // It has ended, or is ended now.
            drop(child.kill());
            drop(child.wait());
        }
        let (text, status) = answer?;
        if !status.success() {
            return if text.contains(NOTHING) { Ok(None) } else { Err(HelperProblem::Failed(status)) };
        }
        let answer: Answer = serde_json::from_str(&text).map_err(|_| HelperProblem::Answer)?;
        if answer.secret.is_empty() {
            return Ok(None);
        }
        let secret = Secret(answer.secret);
        Ok(Some(match answer.username {
            user if user == TOKEN_USER => Login::Identity(secret),
            user => Login::Basic { user, password: secret },
        }))
    }
}

/// Asks the helper and waits for its end.
fn talk(
    child: &mut Child,
    server: &str,
    patience: Duration,
) -> Result<(String, std::process::ExitStatus), HelperProblem> {
    let until = Instant::now() + patience;
    let mut input = child.stdin.take().expect("it is piped");
    let output = child.stdout.take().expect("it is piped");
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(MOST_ANSWER).read_to_string(&mut text).map(|_| text);
        // Nobody waits any more if it took too long.
        drop(sender.send(read));
    });
    // One that knows the server already need not read it.
    match input.write_all(server.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(HelperProblem::Run(error)),
        _ => drop(input),
    }
    let slow = || HelperProblem::Slow(patience.as_secs());
    let text = answer.recv_timeout(patience).map_err(|_| slow())?.map_err(|_| HelperProblem::Answer)?;
    loop {
        if let Some(status) = child.try_wait().map_err(HelperProblem::Run)? {
            return Ok((text, status));
        }
        if Instant::now() >= until {
            return Err(slow());
        }
        // It has closed its output, and ends any moment.
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::*;

    fn asked(script: &str, patience: Duration) -> Result<Option<Login>, String> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("docker-credential-made-up");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let environment = Environment::new(Path::new("/"), [("PATH", folder.path())]);
        Helper::new("made-up")
            .get_within(&environment, "registry.example", patience)
            .map_err(|problem| problem.to_string())
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_helper_is_asked_for_the_server_and_gives_a_user_or_a_token() {
        let script =
            r#"read server; printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}' "$server" "$1" "$server""#;
        let password = Secret("registry.example".to_owned());
        assert_eq!(asked(script, LONG), Ok(Some(Login::Basic { user: "get".to_owned(), password })));
        let token = r#"echo '{"Username":"<token>","Secret":"t"}'"#;
        assert_eq!(asked(token, LONG), Ok(Some(Login::Identity(Secret("t".to_owned())))));
    }

    #[test]
    fn a_helper_that_has_nothing_is_no_failure() {
        let nothing = "cat >/dev/null 2>&1; echo credentials not found in native keychain; exit 1";
        assert_eq!(asked(nothing, LONG), Ok(None));
        assert_eq!(asked(r#"echo '{"Username":"","Secret":""}'"#, LONG), Ok(None));
    }

    #[test]
    fn what_is_wrong_with_a_helper_is_told_without_its_words() {
        for (script, expected) in [
            ("echo s3cret; exit 3", "failed (exit status: 3): ask it yourself with `echo REGISTRY | PROGRAM get`"),
            ("echo s3cret", "answers something else than a user and a secret"),
            (
                // More than is read.
                "exec /bin/cat /dev/zero",
                "failed (signal: 13 (SIGPIPE)): ask it yourself with `echo REGISTRY | PROGRAM get`",
            ),
        ] {
            assert_eq!(asked(script, LONG).unwrap_err(), expected, "{script}");
        }
        assert_eq!(asked("exec /bin/sleep 60", Duration::ZERO).unwrap_err(), "did not answer within 0 s");
        let environment = Environment::new(Path::new("/"), [("PATH", "/nowhere")]);
        let problem = |name: &str| Helper::new(name).get(&environment, "x").unwrap_err().to_string();
        assert_eq!(problem("none"), "is not in PATH");
        assert_eq!(problem("../../bin/sh"), "is not named like a program");
    }
}
