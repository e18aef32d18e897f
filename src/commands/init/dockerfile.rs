//! What a Dockerfile has that makes its builds download again: seen step by step, and said. Nothing is edited. Pure.

use crate::dockerfile::{Argument, Dockerfile, Fetch, Scripts, Stage, StepKind};

/// Build arguments that BuildKit keeps out of a step's key.
const EXEMPT: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The line that it is on, from 1.
    pub(super) line: usize,
    /// What it does, and what to do about it.
    pub(super) says: String,
}

/// Looks at a Dockerfile.
pub(super) fn look(text: &str, scripts: Scripts<'_>) -> Vec<Seen> {
    let read = match Dockerfile::read(text) {
        Ok(read) => read,
        Err(error) => return vec![Seen { line: error.line, says: format!("it cannot be read: {}", error.message) }],
    };
    let mut seen: Vec<Seen> = read.stages.iter().flat_map(|stage| look_at(stage, scripts)).collect();
    seen.sort_by_key(|seen| seen.line);
    seen
}

fn look_at(stage: &Stage, scripts: Scripts<'_>) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut arguments: Vec<&Argument> = Vec::new();
    let mut whole_copy = None;
    for step in &stage.steps {
        match &step.kind {
            StepKind::Arg(all) => {
                arguments.extend(all.iter().filter(|it| !EXEMPT.contains(&&*it.name.to_ascii_uppercase())));
            }
            StepKind::Copy(copied) if copied.is_everything() => {
                whole_copy.get_or_insert(step.line);
            }
            StepKind::Run(run) => {
                let line = step.line;
                let fetches: Vec<Fetch> = run.commands.iter().filter_map(|command| scripts.fetch_of(command)).collect();
                let install =
                    fetches.iter().find_map(|fetch| if let Fetch::Install(name) = fetch { Some(name) } else { None });
                if let Some(install) = install {
                    seen.extend(arguments.drain(..).map(|Argument { name, line: above }| Seen {
                        line: *above,
                        says: format!("ARG {name} is above `{install}` (line {line}): each new value runs the install again; move it below"),
                    }));
                    if let Some(above) = whole_copy.take() {
                        seen.push(Seen {
                            line: above,
                            says: format!("everything is copied before `{install}` (line {line}): each changed file runs the install again; copy package.json and the lockfile first"),
                        });
                    }
                }
                let other =
                    fetches.iter().find_map(|fetch| if let Fetch::Other(what) = fetch { Some(what) } else { None });
                if let Some(what) = other {
                    seen.push(Seen { line, says: format!("{what} downloads in each run of this step") });
                }
            }
            _ => {}
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<String> {
        let scripts = [
            ("build", "npm run pyodide:fetch && vite build"),
            ("pyodide:fetch", "node scripts/prepare-pyodide.js"),
            ("lint", "eslint"),
        ];
        let scripts = scripts.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let fetching = ["scripts/prepare-pyodide.js".to_owned()];
        let found = look(text, Scripts { by_name: &scripts, fetching: &fetching });
        found.into_iter().map(|Seen { line, says }| format!("{line}: {says}")).collect()
    }

    #[test]
    fn an_argument_and_a_whole_copy_above_the_install_and_a_build_that_fetches_are_seen() {
        let text = "ARG NODE=20\nFROM node:${NODE} AS build\nARG BUILD_HASH HTTP_PROXY\nWORKDIR /app\nCOPY . .\nRUN npm ci \\\n    --omit=dev\nENV A=1\nRUN npm run build\n";
        assert_eq!(
            seen(text),
            [
                "3: ARG BUILD_HASH is above `npm ci` (line 6): each new value runs the install again; move it below",
                "5: everything is copied before `npm ci` (line 6): each changed file runs the install again; copy package.json and the lockfile first",
                "9: `npm run build`, by way of `npm run pyodide:fetch` (`node scripts/prepare-pyodide.js`), downloads in each run of this step",
            ]
        );
    }

    #[test]
    fn a_dockerfile_in_the_right_order_is_passed_in_silence() {
        let text = "FROM node AS a\nARG OTHER\nCOPY . .\nFROM node\nCOPY package.json package-lock.json ./\nRUN --mount=type=cache,target=/root/.npm npm ci\nCOPY --from=a . .\nCOPY . .\nARG BUILD_HASH\nRUN npm run lint && npm init -y && npx vite build\n";
        assert_eq!(seen(text), [""; 0]);
        assert_eq!(
            seen("FROM alpine\nRUN wget -q https://files.example/a"),
            ["2: `wget` downloads in each run of this step"]
        );
    }
}
