//! The commands of a shell's text, as far as one may tell without running it (POSIX.1-2017, Shell Command Language 2): words, quotes, lists and pipes, `sh -c` and substitutions.
//! Variables stay as they are written.

use std::{ops::Range, str::CharIndices};

/// How deep one command may stand in another. Deeper ones are nobody's.
const DEEPEST: usize = 8;

/// Words that stand before a command.
const BEFORE: [&str; 16] = [
    "if", "then", "else", "elif", "do", "while", "until", "!", "{", "(", "time", "exec", "command", "sudo", "nice",
    "env",
];

/// A command that a shell runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// Its program and arguments, without quotes; without assignments, redirections and what only stands before a command.
    pub(crate) words: Vec<String>,
    /// Where it stands in the text, from its program on, bytes. One within another has the place of the outer one.
    pub(crate) place: Range<usize>,
}

impl Command {
    /// A command that is given as words (the exec form) at a place, or those that it gives to a shell.
    pub(super) fn of_words(words: Vec<String>, place: Range<usize>) -> Vec<Self> {
        let mut all = Vec::new();
        let end = place.end;
        let words = words.into_iter().map(|word| (word, place.start)).collect();
        Reader { escape: '\\', depth: 0, offset: 0, outer: Some(place) }.push(words, end, &mut all);
        all
    }
}

/// The commands of a part of a text, in order; a line that ends with the escape character goes on in the next.
pub(super) fn commands(text: &str, part: Range<usize>, escape: char) -> Vec<Command> {
    let mut all = Vec::new();
    Reader { escape, depth: 0, offset: part.start, outer: None }.read(&text[part], &mut all);
    all
}

/// The commands of a text that is a shell's alone, such as a script of package.json.
pub(crate) fn commands_of(text: &str) -> Vec<Command> {
    commands(text, 0..text.len(), '\\')
}

#[derive(Clone)]
struct Reader {
    escape: char,
    /// Where the part begins in the text.
    offset: usize,
    /// The place of the command that this one stands in.
    outer: Option<Range<usize>>,
    /// In how many other commands it reads.
    depth: usize,
}

/// A command that is being read.
#[derive(Default)]
struct Open {
    /// Each with where it begins.
    words: Vec<(String, usize)>,
    word: Option<(String, usize)>,
    /// Where the last word ends.
    end: usize,
    /// Whether the next word is where something is redirected.
    is_redirected: bool,
    /// The texts of substitutions.
    within: Vec<String>,
}

impl Open {
    fn begin(&mut self, at: usize) -> &mut String {
        &mut self.word.get_or_insert_with(|| (String::new(), at)).0
    }

    fn end_word(&mut self, end: usize) {
        let Some(word) = self.word.take() else { return };
        self.end = end;
        if !std::mem::take(&mut self.is_redirected) {
            self.words.push(word);
        }
    }
}

impl Reader {
    fn read(&self, part: &str, all: &mut Vec<Command>) {
        let mut open = Open::default();
        let mut chars = part.char_indices();
        let mut is_line_start = false;
        while let Some((at, char)) = chars.next() {
            let next = chars.as_str().chars().next();
            match char {
                // The next line goes on, after comments.
                _ if char == self.escape && is_line_end(chars.as_str()) => {
                    open.end_word(at);
                    skip_line(&mut chars);
                    is_line_start = true;
                    continue;
                }
                '#' if open.word.is_none() => {
                    let goes_on = is_line_start;
                    skip_line(&mut chars);
                    is_line_start = goes_on;
                    if !goes_on {
                        self.finish(&mut open, at, all);
                    }
                    continue;
                }
                ' ' | '\t' | '\r' => {
                    open.end_word(at);
                    continue;
                }
                '\n' if is_line_start => continue,
                '&' if open.is_redirected || next == Some('>') => open.is_redirected = true,
                '\n' | ';' | '(' | ')' | '&' | '|' => self.finish(&mut open, at, all),
                '>' | '<' => {
                    // `2>&1`: the number is of the redirection.
                    if open.word.as_ref().is_some_and(|(word, _)| word.bytes().all(|byte| byte.is_ascii_digit())) {
                        open.word = None;
                    }
                    open.end_word(at);
                    open.is_redirected = true;
                }
                '\'' => {
                    let quoted: String = until(&mut chars, '\'');
                    open.begin(at).push_str(&quoted);
                }
                '"' => self.double_quoted(at, &mut chars, &mut open),
                '\\' => {
                    if let Some((_, escaped)) = chars.next() {
                        open.begin(at).push(escaped);
                    }
                }
                '`' => {
                    let within: String = until(&mut chars, '`');
                    open.begin(at).push_str("`…`");
                    open.within.push(within);
                }
                '$' if next == Some('(') => substitution(at, &mut chars, &mut open),
                _ => open.begin(at).push(char),
            }
            is_line_start = false;
        }
        self.finish(&mut open, part.len(), all);
    }

    fn double_quoted(&self, at: usize, chars: &mut CharIndices<'_>, open: &mut Open) {
        open.begin(at);
        while let Some((_, char)) = chars.next() {
            let next = chars.as_str().chars().next();
            match char {
                '"' => return,
                _ if char == self.escape && is_line_end(chars.as_str()) => skip_line(chars),
                '\\' if matches!(next, Some('"' | '\\' | '$' | '`')) => {
                    if let Some((_, escaped)) = chars.next() {
                        open.begin(at).push(escaped);
                    }
                }
                '$' if next == Some('(') => substitution(at, chars, open),
                _ => open.begin(at).push(char),
            }
        }
    }

    fn finish(&self, open: &mut Open, at: usize, all: &mut Vec<Command>) {
        open.end_word(at);
        let Open { words, within, end, .. } = std::mem::take(open);
        let place = words.first().map_or(end, |(_, start)| *start)..end;
        for part in within {
            self.read_within(&part, &place, all);
        }
        self.push(words, end, all);
    }

    /// Adds a command, or the commands that it gives to a shell.
    fn push(&self, words: Vec<(String, usize)>, end: usize, all: &mut Vec<Command>) {
        let words = bare(words);
        let Some((program, start)) = words.first() else { return };
        let place = *start..end;
        let is_shell = matches!(program.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ash" | "zsh"));
        let is_given =
            |(word, _): &(String, usize)| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
        let given = words.iter().position(is_given).and_then(|at| words.get(at + 1));
        if let Some((script, _)) = given.filter(|_| is_shell) {
            return self.read_within(script, &place, all);
        }
        let place = self.outer.clone().unwrap_or(self.offset + place.start..self.offset + place.end);
        all.push(Command { words: words.into_iter().map(|(word, _)| word).collect(), place });
    }

    fn read_within(&self, part: &str, place: &Range<usize>, all: &mut Vec<Command>) {
        if self.depth < DEEPEST {
            let here = self.offset + place.start..self.offset + place.end;
            let outer = Some(self.outer.clone().unwrap_or(here));
            Self { depth: self.depth + 1, outer, ..*self }.read(part, all);
        }
    }
}

/// Without what only stands before a command: `A=1 env B=2 sudo npm ci` is `npm ci`.
fn bare(words: Vec<(String, usize)>) -> Vec<(String, usize)> {
    let mut words = words.into_iter().peekable();
    let mut is_option = false;
    let mut stands_before = |(word, _): &(String, usize)| {
        let is_before = BEFORE.contains(&word.as_str());
        // `env -i`, `sudo -E`.
        let stands = is_before || is_assignment(word) || is_option && word.starts_with('-');
        is_option |= is_before;
        stands
    };
    while words.next_if(|word| stands_before(word)).is_some() {}
    words.collect()
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The text of `$(…)`, whose `(` is next.
fn substitution(at: usize, chars: &mut CharIndices<'_>, open: &mut Open) {
    let mut depth = 0_usize;
    let mut within = String::new();
    for (_, char) in chars.by_ref() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        within.push(char);
    }
    open.begin(at).push_str("$(…)");
    open.within.push(within.split_off(1.min(within.len())));
}

fn is_line_end(rest: &str) -> bool {
    rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n')
}

/// What stands before a sign, which is taken, too.
fn until(chars: &mut CharIndices<'_>, sign: char) -> String {
    chars.by_ref().map(|(_, char)| char).take_while(|char| *char != sign).collect()
}

/// To the line's end, and over it.
fn skip_line(chars: &mut CharIndices<'_>) {
    for (_, char) in chars.by_ref() {
        if char == '\n' {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        commands_of(text).into_iter().map(|it| it.words.join("|")).collect()
    }

    #[test]
    fn commands_are_told_apart_and_stripped_of_what_surrounds_them() {
        for (text, expected) in [
            ("npm ci && npm run build; echo done || true", &["npm|ci", "npm|run|build", "echo|done", "true"][..]),
            ("CI=1 env -i FOO=bar sudo -E npm ci", &["npm|ci"]),
            ("if [ -f a ]; then npm ci; else npm i; fi", &["[|-f|a|]", "npm|ci", "npm|i", "fi"]),
            ("npm ci 2>&1 >log.txt | tee log", &["npm|ci", "tee|log"]),
            ("npm ci &>/dev/null & wait", &["npm|ci", "wait"]),
            ("(cd web && npm ci)", &["cd|web", "npm|ci"]),
            ("sh -c 'npm ci && npm run build'", &["npm|ci", "npm|run|build"]),
            ("bash -euxc \"cd web; npm ci\"", &["cd|web", "npm|ci"]),
            ("sh -c 'sh -c \"npm ci\"'", &["npm|ci"]),
            ("echo \"$(npm ci)\" `yarn install`", &["npm|ci", "yarn|install", "echo|$(…)|`…`"]),
            ("echo 'a && b' \"c; d\" e\\ f", &["echo|a && b|c; d|e f"]),
            ("npm ci # && npm i", &["npm|ci"]),
            ("", &[]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_line_that_goes_on_is_one_and_comments_between_are_none() {
        let text = "npm ci \\\n  # a comment\n  --omit=dev \\\n\n  --force && \\\n  npm run build\nyarn";
        assert_eq!(read(text), ["npm|ci|--omit=dev|--force", "npm|run|build", "yarn"]);
        let backtick = commands("npm ci `\n --force", 0..17, '`');
        assert_eq!(backtick[0].words, ["npm", "ci", "--force"]);
    }

    #[test]
    fn what_never_ends_ends() {
        for text in ["'", "\"", "$(", "`", "\\", "sh -c", "a >", "((((", "$($($("] {
            read(text);
        }
        let deep = (0..40).fold("npm ci".to_owned(), |inner, _| format!("echo $({inner})"));
        assert!(read(&deep).len() <= DEEPEST + 1);
    }
    #[test]
    fn a_command_has_its_place_in_the_text() {
        let text = "RUN A=1 npm ci >log && sh -c 'yarn install' && if [ -f x ]; then pnpm i; fi";
        let all = commands(text, 4..text.len(), '\\');
        let places: Vec<&str> = all.iter().map(|it| &text[it.place.clone()]).collect();
        assert_eq!(places, ["npm ci >log", "sh -c 'yarn install'", "[ -f x ]", "pnpm i", "fi"]);
    }
}
