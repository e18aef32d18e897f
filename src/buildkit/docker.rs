//! Docker's client as a child process: one build, its last words, and its end when the user stops.
//!
//! The child has a process group of its own: Ctrl-C reaches larder alone, which tells the whole group, waits until the build is given up, and then removes
//! its folder. Builder, context and host are those of the client's own configuration and variables, which it inherits.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{
    diagnosis::{Diagnosis, diagnose},
    dockerfile::{BINARY_CONTEXT, NONCE, REQUEST_CONTEXT},
};
use crate::plan::selection::Platform;

/// The client, looked for along PATH.
const PROGRAM: &str = "docker";
/// How often the user's wish to stop is looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long the client may take to give up a build.
const GIVING_UP: Duration = Duration::from_secs(5);
/// Lines of what the client said that are kept to find out why it failed.
const KEPT_LINES: usize = 200;
/// Lines of these that are shown.
const SHOWN_LINES: usize = 12;

/// A build, in a folder with everything that it needs, by relative names: no path of the user's has to be quoted.
#[derive(Debug)]
pub(crate) struct Build<'a> {
    /// The folder, with those below in it.
    pub folder: &'a Path,
    /// The builder; `None`: the client's own choice.
    pub builder: Option<&'a str>,
    /// The binary's platform.
    pub platform: Platform,
    /// A text that no build before had.
    pub nonce: &'a str,
    /// Holds the Dockerfile.
    pub dockerfile: &'a str,
    /// Holds the binary.
    pub binary: &'a str,
    /// Holds what the host gives.
    pub request: &'a str,
    /// Where the step's filesystem is written to.
    pub output: &'a str,
}

/// Why a build did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BuildError {
    /// There is no client.
    #[error("{PROGRAM}: there is no such program")]
    NoDocker,
    /// It is there and cannot be run.
    #[error("{PROGRAM} cannot be run")]
    CannotRun(#[source] io::Error),
    /// The client has no buildx.
    #[error("{PROGRAM} has no buildx")]
    NoBuildx,
    /// The client or the builder does not know named contexts.
    #[error("{PROGRAM}'s buildx or the builder is too old: it does not know named contexts")]
    TooOld,
    /// No engine answers.
    #[error("{PROGRAM} does not reach its engine\n  {said}")]
    NoDaemon {
        /// What the client says.
        said: String,
    },
    /// There is no builder of that name.
    #[error("there is no builder {name}")]
    NoBuilder {
        /// The name.
        name: String,
    },
    /// The builder cannot run the binary.
    #[error("the builder cannot run a binary for {platform}")]
    OtherPlatform {
        /// The binary's platform.
        platform: Platform,
    },
    /// The build failed for another reason.
    #[error("the build that carries the store failed; its last lines:\n  {}", lines.join("\n  "))]
    Failed {
        /// What the client said last.
        lines: Vec<String>,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

impl BuildError {
    /// What to do about it, if that can be said.
    pub(crate) const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoDocker => "install Docker's client, or put it into PATH",
            Self::NoBuildx => "install the docker-buildx plugin; `docker buildx version` says whether it is found",
            Self::TooOld => "named contexts need buildx 0.8 and a builder with BuildKit 0.10, or Docker 23",
            Self::NoDaemon { .. } => {
                "start it, or name another one with DOCKER_HOST, `docker context use` or --builder"
            }
            Self::NoBuilder { .. } => "`docker buildx ls` lists them",
            Self::OtherPlatform { .. } => "name a static larder of the builder's platform with --binary",
            Self::CannotRun(_) | Self::Failed { .. } | Self::Interrupted => return None,
        })
    }

    /// Whether another run may succeed with the same input.
    pub(crate) const fn is_of_network(&self) -> bool {
        matches!(self, Self::NoDaemon { .. })
    }
}

impl Build<'_> {
    /// The client's arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = ["buildx", "build", "--progress=plain"].map(str::to_owned).to_vec();
        if let Some(builder) = self.builder {
            arguments.push(format!("--builder={builder}"));
        }
        arguments.extend([
            format!("--platform={}", self.platform),
            format!("--build-arg={NONCE}={}", self.nonce),
            format!("--build-context={BINARY_CONTEXT}={}", self.binary),
            format!("--build-context={REQUEST_CONTEXT}={}", self.request),
            format!("--output=type=local,dest={}", self.output),
            self.dockerfile.to_owned(),
        ]);
        arguments
    }

    /// Runs it to its end. `is_stopped` is asked often.
    pub(crate) fn run(&self, is_stopped: &dyn Fn() -> bool) -> Result<(), BuildError> {
        let mut command = Command::new(PROGRAM);
        command
            .args(self.arguments())
            .current_dir(self.folder)
            // Attestations would lie beside the answer.
            .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BuildError::NoDocker,
            _ => BuildError::CannotRun(error),
        })?;
        let lines = read_lines(child.stderr.take().expect("it is piped"));
        let (status, said) = wait(&mut child, &lines, is_stopped).map_err(BuildError::CannotRun)?;
        if is_stopped() {
            return Err(BuildError::Interrupted);
        }
        if status.success() { Ok(()) } else { Err(self.failure(&said)) }
    }

    fn failure(&self, said: &VecDeque<String>) -> BuildError {
        let all: Vec<&str> = said.iter().map(String::as_str).collect();
        match diagnose(&all.join("\n")) {
            Diagnosis::NoBuildx => BuildError::NoBuildx,
            Diagnosis::TooOld => BuildError::TooOld,
            Diagnosis::NoDaemon => BuildError::NoDaemon { said: all.last().copied().unwrap_or_default().to_owned() },
            Diagnosis::NoBuilder => BuildError::NoBuilder { name: self.builder.unwrap_or_default().to_owned() },
            Diagnosis::OtherPlatform => BuildError::OtherPlatform { platform: self.platform },
            Diagnosis::Unknown => {
                let shown = all[all.len().saturating_sub(SHOWN_LINES)..].iter();
                BuildError::Failed { lines: shown.map(|line| (*line).to_owned()).collect() }
            }
        }
    }
}

/// What the child says, line by line, without what a terminal would obey.
fn read_lines(said: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = sync_channel(KEPT_LINES);
    thread::spawn(move || {
        for line in BufReader::new(said).split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line).trim_end().replace(char::is_control, " ");
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits for the child's end, and ends it when the user stops. Gives the last lines that it said.
fn wait(
    child: &mut Child,
    lines: &Receiver<String>,
    is_stopped: &dyn Fn() -> bool,
) -> io::Result<(ExitStatus, VecDeque<String>)> {
    let group = Pid::from_child(child);
    let mut said = VecDeque::with_capacity(KEPT_LINES);
    let mut asked: Option<Instant> = None;
    let mut is_silent = false;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => {
                tracing::debug!("{PROGRAM}: {line}");
                if !line.is_empty() {
                    if said.len() == KEPT_LINES {
                        said.pop_front();
                    }
                    said.push_back(line);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Without a pause, the loop would turn at full speed until the child is gone.
            Err(RecvTimeoutError::Disconnected) if is_silent => thread::sleep(TICK),
            Err(RecvTimeoutError::Disconnected) => is_silent = true,
        }
        if is_silent && let Some(status) = child.try_wait()? {
            return Ok((status, said));
        }
        if is_stopped() {
            let signal = match asked {
                None => Some(Signal::INT),
                Some(asked) if asked.elapsed() > GIVING_UP => Some(Signal::KILL),
                Some(_) => None,
            };
            asked.get_or_insert_with(Instant::now);
            // The child has not been waited for, so its number is still its own.
            if let Some(signal) = signal
                && let Err(error) = kill_process_group(group, signal)
            {
                tracing::debug!(%error, "the build cannot be told to stop");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::selection::{Cpu, Os};

    fn build(builder: Option<&'static str>) -> Build<'static> {
        Build {
            folder: Path::new("/scratch"),
            builder,
            platform: Platform { os: Os::Linux, cpu: Cpu::Arm64, libc: None },
            nonce: "abc",
            dockerfile: "dockerfile",
            binary: "binary",
            request: "ask",
            output: "answer",
        }
    }

    #[test]
    fn the_client_is_told_the_platform_the_nonce_and_both_contexts_and_never_to_do_without_the_cache() {
        assert_eq!(
            build(Some("ci")).arguments().join(" "),
            "buildx build --progress=plain --builder=ci --platform=linux/arm64 --build-arg=LARDER_NONCE=abc \
             --build-context=larder-binary=binary --build-context=larder-request=ask --output=type=local,dest=answer dockerfile"
        );
        assert!(
            !build(None)
                .arguments()
                .iter()
                .any(|argument| argument.contains("builder=") || argument.contains("no-cache"))
        );
    }

    #[test]
    fn what_the_client_said_last_is_shown_where_it_says_nothing_that_is_known() {
        let said: VecDeque<String> = (0..40).map(|number| format!("line {number}")).collect();
        let text = build(None).failure(&said).to_string();
        assert!(text.ends_with("line 39") && text.contains("\n  line 28\n") && !text.contains("line 27"), "{text}");
        let said = VecDeque::from(["#5 exec /binary/larder: exec format error".to_owned(), "ERROR: failed".to_owned()]);
        assert_eq!(build(None).failure(&said).to_string(), "the builder cannot run a binary for linux/arm64");
    }
}
