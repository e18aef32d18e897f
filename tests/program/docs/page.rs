//! A page of Markdown, as far as its links, headings, code and tables go.

/// A page of the repository.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its path in the repository.
    pub(crate) path: String,
    text: String,
}

/// Some text and the line that it stands in, from 1.
pub(crate) type Placed<'a> = (usize, &'a str);

impl Page {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }

    /// Each line, and whether it is one of a block of code: fenced, or indented by four spaces.
    fn lines(&self) -> impl Iterator<Item = (Placed<'_>, bool)> {
        let mut is_fenced = false;
        self.text.lines().enumerate().map(move |(index, line)| {
            let is_fence = line.trim_start().starts_with("```");
            is_fenced ^= is_fence;
            ((index + 1, line), is_fenced || is_fence || line.starts_with("    "))
        })
    }

    /// The lines outside blocks of code.
    pub(crate) fn prose(&self) -> impl Iterator<Item = Placed<'_>> {
        self.lines().filter_map(|(line, is_code)| (!is_code).then_some(line))
    }

    /// The blocks of code, line by line and without their indentation.
    pub(crate) fn blocks(&self) -> Vec<Vec<Placed<'_>>> {
        let mut blocks: Vec<Vec<Placed<'_>>> = Vec::new();
        let mut last = 0;
        for ((number, line), _) in self.lines().filter(|(_, is_code)| *is_code) {
            if last == 0 || last + 1 != number {
                blocks.push(Vec::new());
            }
            last = number;
            let block = blocks.last_mut().expect("one was made for the first line");
            block.push((number, line.strip_prefix("    ").unwrap_or(line)));
        }
        blocks
    }

    /// What stands in code font outside blocks.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Placed<'_>> {
        self.prose().flat_map(|(number, line)| spans_of(line).map(move |span| (number, span)))
    }

    /// Where links lead, as it is written.
    pub(crate) fn links(&self) -> Vec<(usize, String)> {
        let targets = self.prose().flat_map(|(number, line)| {
            let outside: String = line.split('`').step_by(2).collect();
            let targets =
                outside.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(to, _)| to.to_owned()));
            targets.map(move |to| (number, to)).collect::<Vec<_>>()
        });
        targets.collect()
    }

    /// The anchors of its headings: in lower case, hyphens for spaces, without other signs; `-1` and so on for a heading that is there already.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for (_, line) in self.prose().filter(|(_, line)| line.starts_with('#')) {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let is_kept = |sign: &char| sign.is_alphanumeric() || matches!(sign, '-' | '_' | ' ');
            let anchor: String =
                title.chars().filter(is_kept).map(|sign| if sign == ' ' { '-' } else { sign }).collect();
            let before = anchors.iter().filter(|other| **other == anchor).count();
            anchors.push(if before == 0 { anchor } else { format!("{anchor}-{before}") });
        }
        anchors
    }

    /// The lines from this heading to the next one.
    pub(crate) fn section(&self, heading: &str) -> Self {
        let mut lines = self.text.lines().skip_while(|line| *line != heading);
        let first = lines.next().unwrap_or_else(|| panic!("{}: no heading {heading:?}", self.path));
        let rest = lines.take_while(|line| !line.starts_with('#'));
        Self::new(&self.path, &std::iter::once(first).chain(rest).collect::<Vec<_>>().join("\n"))
    }

    /// The cells of the rows of tables, without their heads.
    pub(crate) fn rows(&self) -> Vec<Vec<&str>> {
        let rows = self.prose().map(|(_, line)| line).filter(|line| line.starts_with('|'));
        let rows = rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
        let rows: Vec<_> = rows.collect();
        let is_rule = |row: &[&str]| row.concat().starts_with("---");
        let heads = |index: usize| rows.get(index + 1).is_some_and(|next: &Vec<&str>| is_rule(next));
        let kept = (0..rows.len()).filter(|&index| !heads(index) && !is_rule(&rows[index]));
        kept.map(|index| rows[index].clone()).collect()
    }
}

/// What stands in code font in a line.
pub(crate) fn spans_of(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}
