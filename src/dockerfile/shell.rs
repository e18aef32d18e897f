//! The commands of a shell's text, as far as one may tell without running it (POSIX.1-2017, Shell Command Language 2): words, quotes, lists and pipes, `sh -c` and substitutions.
//! Variables stay as they are written.

use std::str::Chars;

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
}

impl Command {
    /// A command that is given as words (the exec form), or those that it gives to a shell.
    pub(super) fn of_words(words: Vec<String>) -> Vec<Self> {
        let mut all = Vec::new();
        Reader { escape: '\\', depth: 0 }.push(words, &mut all);
        all
    }
}

/// The commands of a text, in order; a line that ends with the escape character goes on in the next.
pub(super) fn commands(text: &str, escape: char) -> Vec<Command> {
    let mut all = Vec::new();
    Reader { escape, depth: 0 }.read(text, &mut all);
    all
}

/// The commands of a text that is a shell's alone, such as a script of package.json.
pub(super) fn commands_of(text: &str) -> Vec<Command> {
    commands(text, '\\')
}

#[derive(Clone, Copy)]
struct Reader {
    escape: char,
    /// In how many other commands it reads.
    depth: usize,
}

/// A command that is being read.
#[derive(Default)]
struct Open {
    words: Vec<String>,
    word: Option<String>,
    /// Whether the next word is where something is redirected.
    is_redirected: bool,
    /// The texts of substitutions.
    within: Vec<String>,
}

impl Open {
    fn begin(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !std::mem::take(&mut self.is_redirected) {
            self.words.push(word);
        }
    }
}

impl Reader {
    fn read(self, part: &str, all: &mut Vec<Command>) {
        let mut open = Open::default();
        let mut chars = part.chars();
        let mut is_line_start = false;
        while let Some(char) = chars.next() {
            let next = chars.as_str().chars().next();
            match char {
                // The next line goes on, after comments.
                _ if char == self.escape && is_line_end(chars.as_str()) => {
                    open.end_word();
                    skip_line(&mut chars);
                    is_line_start = true;
                    continue;
                }
                '#' if open.word.is_none() => {
                    let goes_on = is_line_start;
                    skip_line(&mut chars);
                    is_line_start = goes_on;
                    if !goes_on {
                        self.finish(&mut open, all);
                    }
                    continue;
                }
                ' ' | '\t' | '\r' => {
                    open.end_word();
                    continue;
                }
                '\n' if is_line_start => continue,
                '&' if open.is_redirected || next == Some('>') => open.is_redirected = true,
                '\n' | ';' | '(' | ')' | '&' | '|' => self.finish(&mut open, all),
                '>' | '<' => {
                    // `2>&1`: the number is of the redirection.
                    if open.word.as_ref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
                        open.word = None;
                    }
                    open.end_word();
                    open.is_redirected = true;
                }
                '\'' => {
                    let quoted: String = chars.by_ref().take_while(|char| *char != '\'').collect();
                    open.begin().push_str(&quoted);
                }
                '"' => self.double_quoted(&mut chars, &mut open),
                '\\' => {
                    if let Some(escaped) = chars.next() {
                        open.begin().push(escaped);
                    }
                }
                '`' => {
                    let within: String = chars.by_ref().take_while(|char| *char != '`').collect();
                    open.begin().push_str("`…`");
                    open.within.push(within);
                }
                '$' if next == Some('(') => substitution(&mut chars, &mut open),
                _ => open.begin().push(char),
            }
            is_line_start = false;
        }
        self.finish(&mut open, all);
    }

    fn double_quoted(self, chars: &mut Chars<'_>, open: &mut Open) {
        open.begin();
        while let Some(char) = chars.next() {
            let next = chars.as_str().chars().next();
            match char {
                '"' => return,
                _ if char == self.escape && is_line_end(chars.as_str()) => skip_line(chars),
                '\\' if matches!(next, Some('"' | '\\' | '$' | '`')) => {
                    if let Some(escaped) = chars.next() {
                        open.begin().push(escaped);
                    }
                }
                '$' if next == Some('(') => substitution(chars, open),
                _ => open.begin().push(char),
            }
        }
    }

    fn finish(self, open: &mut Open, all: &mut Vec<Command>) {
        open.end_word();
        let Open { words, within, .. } = std::mem::take(open);
        for part in within {
            self.read_within(&part, all);
        }
        self.push(words, all);
    }

    /// Adds a command, or the commands that it gives to a shell.
    fn push(self, words: Vec<String>, all: &mut Vec<Command>) {
        let words = bare(words);
        let Some(program) = words.first() else { return };
        let is_shell = matches!(program.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ash" | "zsh"));
        let is_given = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
        let given = words.iter().position(is_given).and_then(|at| words.get(at + 1));
        match given.filter(|_| is_shell) {
            Some(script) => self.read_within(script, all),
            None => all.push(Command { words }),
        }
    }

    fn read_within(self, part: &str, all: &mut Vec<Command>) {
        if self.depth < DEEPEST {
            Self { depth: self.depth + 1, ..self }.read(part, all);
        }
    }
}

/// Without what only stands before a command: `A=1 env B=2 sudo npm ci` is `npm ci`.
fn bare(words: Vec<String>) -> Vec<String> {
    let mut words = words.into_iter().peekable();
    let mut is_option = false;
    let mut stands_before = |word: &String| {
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
fn substitution(chars: &mut Chars<'_>, open: &mut Open) {
    let mut depth = 0_usize;
    let mut within = String::new();
    for char in chars.by_ref() {
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
    open.begin().push_str("$(…)");
    open.within.push(within.split_off(1.min(within.len())));
}

fn is_line_end(rest: &str) -> bool {
    rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n')
}

/// To the line's end, and over it.
fn skip_line(chars: &mut Chars<'_>) {
    for char in chars.by_ref() {
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
        let backtick = commands("npm ci `\n --force", '`');
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
}
