//! Reads a Dockerfile: <https://docs.docker.com/reference/dockerfile/>. The syntax is a library's; what the instructions mean for a build is told here.

use std::ops::Range;

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
    /// The character that makes a line go on in the next.
    pub(crate) escape: char,
}

/// A stage.
#[derive(Debug)]
pub(crate) struct Stage {
    /// What it is called.
    pub(crate) name: Option<String>,
    /// What it starts from, as it is written: an image, or another stage.
    pub(crate) image: String,
    /// The value of `--platform`, as it is written.
    pub(crate) platform: Option<String>,
    /// Where its FROM stands in the text, bytes.
    pub(crate) from: Range<usize>,
    /// Its other instructions.
    pub(crate) steps: Vec<Step>,
}

/// An instruction.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its first line, from 1.
    pub(crate) line: usize,
    /// Where it stands in the text, from its keyword to its last argument, bytes.
    pub(crate) span: Range<usize>,
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
    /// A RUN.
    Run(Run),
    /// ENV: the names that it sets.
    Env(Vec<String>),
    /// LABEL.
    Label,
    /// WORKDIR.
    Workdir(String),
    /// USER.
    User(String),
    /// Any other.
    Other,
}

/// What a RUN does.
#[derive(Debug)]
pub(crate) struct Run {
    /// Where its options begin or, without any, its command, bytes.
    pub(crate) options: usize,
    /// Whether it is an array of words (the exec form).
    pub(crate) is_exec: bool,
    /// Its commands.
    pub(crate) commands: Vec<Command>,
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
    /// Where these begin in the text, bytes.
    pub(crate) sources_start: usize,
    /// Where they go.
    pub(crate) target: String,
}

impl Dockerfile {
    /// Reads a Dockerfile.
    pub(crate) fn read(text: &str) -> Result<Self, DockerfileError> {
        let parsed = parse_dockerfile::parse(text)
            .map_err(|error| DockerfileError { line: error.line(), message: message_of(&error.to_string()) })?;
        let escape = parsed.parser_directives.escape.as_ref().map_or(ESCAPE, |escape| escape.value.value);
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let mut stages = Vec::<Stage>::new();
        for instruction in &parsed.instructions {
            match (instruction, stages.last_mut()) {
                (Instruction::From(from), _) => stages.push(Stage {
                    name: from.as_.as_ref().map(|(_, name)| name.value.to_string()),
                    image: from.image.value.to_string(),
                    platform: flag(&from.options, "platform"),
                    from: from.from.span.start
                        ..from.as_.as_ref().map_or(from.image.span.end, |(_, name)| name.span.end),
                    steps: Vec::new(),
                }),
                // What stands before the first stage is for the names of images alone.
                (_, None) => {}
                (other, Some(stage)) => stage.steps.push(step(other, text, escape, &ends)),
            }
        }
        Ok(Self { stages, escape })
    }
}

impl Copied {
    /// Whether it takes all of the build context.
    pub(crate) fn is_everything(&self) -> bool {
        let is_all = |source: &String| matches!(source.as_str(), "." | "./" | "/");
        self.from.is_none() && self.sources.iter().any(is_all)
    }
}

/// `ends` are the places of the text's line ends.
fn step(instruction: &Instruction<'_>, text: &str, escape: char, ends: &[usize]) -> Step {
    let line = |start: usize| 1 + ends.partition_point(|end| *end < start);
    let (span, kind) = match instruction {
        Instruction::Arg(arg) => {
            let start = arg.arg.span.start;
            (start..arg.arguments.span.end, StepKind::Arg(arguments(&arg.arguments.value, line(start))))
        }
        Instruction::Copy(copy) => {
            let copied = copied(&copy.options, &copy.src, (copy.copy.span.end, &copy.dest), text);
            (copy.copy.span.start..whole_end(text, copy.dest.span.end), StepKind::Copy(copied))
        }
        Instruction::Add(add) => {
            let copied = copied(&add.options, &add.src, (add.add.span.end, &add.dest), text);
            (add.add.span.start..whole_end(text, add.dest.span.end), StepKind::Copy(copied))
        }
        Instruction::Run(run) => run_step(run, text, escape),
        Instruction::Env(env) => {
            let names = env_names(&env.arguments.value);
            (env.env.span.start..env.arguments.span.end, StepKind::Env(names))
        }
        Instruction::Label(label) => (label.label.span.start..label.arguments.span.end, StepKind::Label),
        Instruction::Workdir(it) => {
            let folder = it.arguments.value.trim().trim_matches(['"', '\'']).to_owned();
            (it.workdir.span.start..it.arguments.span.end, StepKind::Workdir(folder))
        }
        Instruction::User(it) => {
            (it.user.span.start..it.arguments.span.end, StepKind::User(it.arguments.value.trim().to_owned()))
        }
        // Those of ONBUILD run in another build, and the others download nothing.
        other => {
            let start = keyword(other).start;
            (start..whole_line(text, start, escape), StepKind::Other)
        }
    };
    Step { line: line(span.start), span, kind }
}

fn keyword(instruction: &Instruction<'_>) -> Range<usize> {
    match instruction {
        Instruction::Cmd(it) => it.cmd.span.clone(),
        Instruction::Entrypoint(it) => it.entrypoint.span.clone(),
        Instruction::Expose(it) => it.expose.span.clone(),
        Instruction::Healthcheck(it) => it.healthcheck.span.clone(),
        Instruction::Maintainer(it) => it.maintainer.span.clone(),
        Instruction::Onbuild(it) => it.onbuild.span.clone(),
        Instruction::Shell(it) => it.shell.span.clone(),
        Instruction::Stopsignal(it) => it.stopsignal.span.clone(),
        Instruction::Volume(it) => it.volume.span.clone(),
        _ => 0..0,
    }
}

/// To the end of an instruction's last line.
fn whole_line(text: &str, start: usize, escape: char) -> usize {
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        end += line.len();
        if !line.trim_end().ends_with(escape) {
            return end - (line.len() - line.trim_end().len());
        }
    }
    end
}

/// To the end of an array's last line, if this is one.
fn whole_end(text: &str, end: usize) -> usize {
    let rest = text[end..].lines().next().unwrap_or_default();
    if rest.trim_start_matches('"').trim() == "]" { end + rest.trim_end().len() } else { end }
}

fn run_step(run: &RunInstruction<'_>, text: &str, escape: char) -> (Range<usize>, StepKind) {
    let start = run.run.span.start;
    let options = start + text[start..].find(|char: char| char.is_whitespace()).unwrap_or_default() + 1;
    let (mut all, mut end) = match &run.arguments {
        Form::Shell(shell) => (commands(text, shell.span.clone(), escape), shell.span.end),
        Form::Exec(words) => {
            let texts = words.value.iter().map(|word| word.value.to_string()).collect();
            (Command::of_words(texts, words.span.clone()), words.span.end)
        }
        _ => (Vec::new(), start),
    };
    for here_doc in &run.here_docs {
        all.extend(commands(text, here_doc.span.clone(), ESCAPE));
        end = end.max(here_doc.span.end);
    }
    let is_exec = matches!(run.arguments, Form::Exec(_));
    (start..end, StepKind::Run(Run { options, is_exec, commands: all }))
}

fn flag(options: &[Flag<'_>], name: &str) -> Option<String> {
    let flag = options.iter().find(|flag| flag.name.value.eq_ignore_ascii_case(name))?;
    Some(flag.value.as_ref()?.value.to_string())
}

fn copied(
    options: &[Flag<'_>],
    sources: &[Source<'_>],
    (keyword_end, target): (usize, &parse_dockerfile::UnescapedString<'_>),
    text: &str,
) -> Copied {
    let path = |source: &Source<'_>| match source {
        Source::Path(path) => Some(path.value.to_string()),
        // Its bytes stand in the Dockerfile itself.
        _ => None,
    };
    let start = |source: &Source<'_>| match source {
        Source::Path(path) => Some(path.span.start),
        _ => None,
    };
    let first = sources.first().and_then(start).unwrap_or(target.span.start);
    // Of an array, its bracket.
    let between = text.get(keyword_end..first).unwrap_or_default().trim_end();
    let sources_start = if between.trim_end_matches('"').trim_end().ends_with('[') {
        keyword_end + between.trim_end_matches('"').trim_end().len() - 1
    } else {
        first
    };
    Copied {
        from: flag(options, "from"),
        sources: sources.iter().filter_map(path).collect(),
        sources_start,
        target: target.value.to_string(),
    }
}

/// `A=1 B="two words"`, or `A the rest`.
fn env_names(text: &str) -> Vec<String> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let Some((name, _)) = first.split_once('=') else { return vec![first.to_owned()] };
    let mut names = vec![name.to_owned()];
    let mut quote = None;
    let mut word = String::new();
    for char in text.chars() {
        match (quote, char) {
            (None, ' ' | '\t' | '\n') => word.clear(),
            (None, '=') => names.extend((word != names[0]).then(|| word.clone())),
            (None, '"' | '\'') => quote = Some(char),
            (Some(open), close) if open == close => quote = None,
            _ => word.push(char),
        }
    }
    names
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
        let stages: Vec<_> =
            read.stages.iter().map(|it| (it.name.as_deref(), &*it.image, it.platform.as_deref())).collect();
        assert_eq!(stages, [(Some("build"), "node:${NODE}", Some("$BUILDPLATFORM")), (None, "scratch", None)]);
        assert_eq!(steps.iter().map(|it| it.line).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 11, 12]);
        let StepKind::Arg(arguments) = &steps[0].kind else { panic!("{:?}", steps[0]) };
        let argument = |name: &str| Argument { name: name.to_owned(), line: 4 };
        assert_eq!(*arguments, [argument("BUILD_HASH"), argument("OTHER")]);
        let is_everything = |step: &Step| match &step.kind {
            StepKind::Copy(copied) => copied.is_everything(),
            other => panic!("{other:?}"),
        };
        assert_eq!(steps[2..4].iter().map(is_everything).collect::<Vec<_>>(), [false, true]);
        let words = |step: &Step| match &step.kind {
            StepKind::Run(run) => run.commands.iter().map(|it| it.words.join(" ")).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(words(&steps[4]), ["npm ci --omit=dev", "npm run build"]);
        assert_eq!(words(&steps[5]), ["npm run lint"]);
        assert_eq!(words(&steps[6]), ["set -e", "yarn install"]);
        let StepKind::Copy(copied) = &read.stages[1].steps[0].kind else { panic!() };
        assert_eq!(
            (copied.from.as_deref(), &*copied.sources, &*copied.target),
            (Some("build"), &["/app/dist".to_owned()][..], "/dist")
        );
        assert!(TEXT[copied.sources_start..].starts_with("/app/dist /dist"));
        let StepKind::Run(run) = &steps[4].kind else { panic!() };
        assert!(TEXT[run.options..].starts_with("--mount") && TEXT[steps[4].span.clone()].ends_with("npm run build"));
    }

    #[test]
    fn names_of_variables_are_those_that_an_env_sets() {
        for (text, names) in [("A=1 B=\"x y=z\" C='='", &["A", "B", "C"][..]), ("A the rest", &["A"]), ("A=", &["A"])] {
            assert_eq!(env_names(text), names, "{text}");
        }
    }

    #[test]
    fn what_is_no_dockerfile_is_told_with_its_line() {
        let error = Dockerfile::read("FROM node\nRUM npm ci\n").unwrap_err();
        assert_eq!(error.line, 2, "{error}");
    }
}
