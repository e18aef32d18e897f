//! Writes what shells and `man` know of larder, from the definition that also reads its command line.
//!
//! ```text
//! cargo run -p larder-packaging -- DIR     DIR/completions: one file for each shell; DIR/man: one page for each command
//! ```

use std::{env, fs, io, path::Path, process::ExitCode};

use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::{Shell, generate_to};
use larder::cli::Cli;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        tell("a folder to write to is needed");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("{}: {error}", Path::new(&folder).display()));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "it is a program of its own")]
fn tell(text: &str) {
    eprintln!("error: {text}");
}

/// Writes all files into a folder, which is made.
fn write(folder: &Path) -> io::Result<()> {
    let (completions, man) = (folder.join("completions"), folder.join("man"));
    fs::create_dir_all(&completions)?;
    fs::create_dir_all(&man)?;
    for shell in Shell::value_variants() {
        generate_to(*shell, &mut Cli::command(), "larder", &completions)?;
    }
    clap_mangen::generate_to(Cli::command(), &man)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn each_command_has_a_page_and_each_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        for name in ["larder.1", "larder-fetch.1", "larder-run.1", "larder-view-context.1"] {
            let page = fs::read_to_string(folder.path().join("man").join(name)).unwrap();
            assert!(page.contains(".SH NAME"), "{name}: {page}");
        }
        for name in ["larder.bash", "_larder", "larder.fish"] {
            let text = fs::read_to_string(folder.path().join("completions").join(name)).unwrap();
            assert!(text.contains("--offline"), "{name}");
        }
        if let Ok(bash) = Command::new("bash").arg("-n").arg(folder.path().join("completions/larder.bash")).status() {
            assert!(bash.success());
        }
    }
}
