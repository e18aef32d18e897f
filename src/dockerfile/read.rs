//! Reads a Dockerfile: <https://docs.docker.com/reference/dockerfile/>. The syntax is a library's; what the instructions mean for a build is told here.

use parse_dockerfile::{Command as Form, Flag, Instruction, RunInstruction, Source};

use super::shell::{Command, commands};

/// Before a line's end, it makes the next line go on, unless a directive names another.
const ESCAPE: char = '\\';

/// Why a file is no Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub(crate) struct DockerfileError {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What the reader says.
    pub(crate) message: String,
}

/// A Dockerfile.
#[derive(Debug)]
pub(crate) struct Dockerfile {
    /// Its stages, each from a FROM to the next.
    pub(crate) stages: Vec<Stage>,
}

/// A stage.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    /// Its instructions that copy, run or name build arguments.
    pub(crate) steps: Vec<Step>,
}

/// An instruction.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its first line, from 1.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) kind: StepKind,
}

/// What an instruction does, as far as it matters for what is downloaded.
#[derive(Debug)]
pub(crate) enum StepKind {
    /// Build arguments.
    Arg(Vec<Argument>),
    /// COPY or ADD.
    Copy(Copied),
    /// The commands of a RUN.
    Run(Vec<Command>),
}

/// A build argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argument {
    /// Its name.
    pub(crate) name: String,
    /// The line that it is on, from 1.
    pub(crate) line: usize,
}

/// What a COPY or an ADD takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    /// The stage, image or context that it takes from; `None` is the build context.
    pub(crate) from: Option<String>,
    /// The files and folders there.
    pub(crate) sources: Vec<String>,
}

impl Dockerfile {
    /// Reads a Dockerfile.
    pub(crate) fn read(text: &str) -> Result<Self, DockerfileError> {
        let parsed = parse_dockerfile::parse(text)
            .map_err(|error| DockerfileError { line: error.line(), message: message_of(&error.to_string()) })?;
        let escape = parsed.parser_directives.escape.as_ref().map_or(ESCAPE, |escape| escape.value.value);
        let mut stages = Vec::<Stage>::new();
        for instruction in &parsed.instructions {
            match (instruction, stages.last_mut()) {
                (Instruction::From(_), _) => stages.push(Stage::default()),
                // What stands before the first stage is for the names of images alone.
                (_, None) => {}
                (other, Some(stage)) => stage.steps.extend(step(other, text, escape)),
            }
        }
        Ok(Self { stages })
    }
}

impl Copied {
    /// Whether it takes all of the build context.
    pub(crate) fn is_everything(&self) -> bool {
        let is_all = |source: &String| matches!(source.as_str(), "." | "./" | "/");
        self.from.is_none() && self.sources.iter().any(is_all)
    }
}

fn step(instruction: &Instruction<'_>, text: &str, escape: char) -> Option<Step> {
    let line = |start: usize| 1 + text[..start].matches('\n').count();
    let (start, kind) = match instruction {
        Instruction::Arg(arg) => {
            let start = arg.arg.span.start;
            (start, StepKind::Arg(arguments(&arg.arguments.value, line(start))))
        }
        Instruction::Copy(copy) => (copy.copy.span.start, StepKind::Copy(copied(&copy.options, &copy.src))),
        Instruction::Add(add) => (add.add.span.start, StepKind::Copy(copied(&add.options, &add.src))),
        Instruction::Run(run) => (run.run.span.start, StepKind::Run(commands_of_run(run, text, escape))),
        // Those of ONBUILD run in another build, and the others download nothing.
        _ => return None,
    };
    Some(Step { line: line(start), kind })
}

fn commands_of_run(run: &RunInstruction<'_>, text: &str, escape: char) -> Vec<Command> {
    let mut all = match &run.arguments {
        Form::Shell(shell) => commands(&text[shell.span.clone()], escape),
        Form::Exec(words) => Command::of_words(words.value.iter().map(|word| word.value.to_string()).collect()),
        _ => Vec::new(),
    };
    for here_doc in &run.here_docs {
        all.extend(commands(&here_doc.value, ESCAPE));
    }
    all
}

fn copied(options: &[Flag<'_>], sources: &[Source<'_>]) -> Copied {
    let from = options.iter().find(|flag| flag.name.value.eq_ignore_ascii_case("from"));
    let path = |source: &Source<'_>| match source {
        Source::Path(path) => Some(path.value.to_string()),
        // Its bytes stand in the Dockerfile itself.
        _ => None,
    };
    Copied {
        from: from.and_then(|flag| Some(flag.value.as_ref()?.value.to_string())),
        sources: sources.iter().filter_map(path).collect(),
    }
}

fn arguments(text: &str, line: usize) -> Vec<Argument> {
    let names = text.split_whitespace().map(|word| word.split('=').next().unwrap_or(word));
    names.map(|name| Argument { name: name.to_owned(), line }).collect()
}

/// Without the place, which is told apart from it.
fn message_of(said: &str) -> String {
    said.split(" at line ").next().unwrap_or(said).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# syntax=docker/dockerfile:1
ARG NODE=20
FROM --platform=$BUILDPLATFORM node:${NODE} AS build
ARG BUILD_HASH OTHER=1
WORKDIR /app
COPY --link package.json ./
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci \\
    # a comment between
    --omit=dev && npm run build
RUN [\"npm\", \"run\", \"lint\"]
RUN <<EOF
set -e
yarn install
EOF
FROM scratch
COPY --from=build /app/dist /dist
";

    #[test]
    fn stages_and_steps_are_those_of_the_text() {
        let read = Dockerfile::read(TEXT).unwrap();
        assert_eq!(read.stages.len(), 2);
        let steps = &read.stages[0].steps;
        assert_eq!(steps.iter().map(|it| it.line).collect::<Vec<_>>(), [4, 6, 7, 8, 11, 12]);
        let StepKind::Arg(arguments) = &steps[0].kind else { panic!("{:?}", steps[0]) };
        let argument = |name: &str| Argument { name: name.to_owned(), line: 4 };
        assert_eq!(*arguments, [argument("BUILD_HASH"), argument("OTHER")]);
        let is_everything = |step: &Step| match &step.kind {
            StepKind::Copy(copied) => copied.is_everything(),
            other => panic!("{other:?}"),
        };
        assert_eq!(steps[1..3].iter().map(is_everything).collect::<Vec<_>>(), [false, true]);
        let words = |step: &Step| match &step.kind {
            StepKind::Run(all) => all.iter().map(|it| it.words.join(" ")).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(words(&steps[3]), ["npm ci --omit=dev", "npm run build"]);
        assert_eq!(words(&steps[4]), ["npm run lint"]);
        assert_eq!(words(&steps[5]), ["set -e", "yarn install"]);
        let StepKind::Copy(copied) = &read.stages[1].steps[0].kind else { panic!() };
        let expected = Copied { from: Some("build".to_owned()), sources: vec!["/app/dist".to_owned()] };
        assert_eq!(*copied, expected);
    }

    #[test]
    fn what_is_no_dockerfile_is_told_with_its_line() {
        let error = Dockerfile::read("FROM node\nRUM npm ci\n").unwrap_err();
        assert_eq!(error.line, 2, "{error}");
    }
}
