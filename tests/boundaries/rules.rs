//! The rules, and what breaks them. Which room stands above which, and who may do what, is read from `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::house::House;

/// A file may be this long; more is a file of several things.
const MOST_LINES: usize = 500;

/// The two tables of `docs/architecture.md`.
pub(crate) struct Plan {
    /// The rooms, from the top.
    pub(crate) rooms: Vec<String>,
    /// Who alone has a right: rooms and files below `src/`.
    rights: BTreeMap<String, Vec<String>>,
}

impl Plan {
    /// Reads the table that begins with `| room |`, and the one that begins with `| right |`.
    pub(crate) fn read(page: &str) -> Self {
        let rows = |head: &str| -> Vec<Vec<String>> {
            let lines = page.lines().skip_while(|line| !line.starts_with(&format!("| {head} |")));
            let rows = lines.skip(2).take_while(|line| line.starts_with('|'));
            rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
        };
        let quoted = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let rooms: Vec<String> = rows("room").iter().flat_map(|row| quoted(&row[0])).collect();
        assert!(!rooms.is_empty(), "docs/architecture.md has no table of rooms");
        Self { rooms, rights: rows("right").iter().map(|row| (row[0].clone(), quoted(&row[1]))).collect() }
    }

    fn place(&self, room: &str) -> Option<usize> {
        self.rooms.iter().position(|known| known == room)
    }

    fn may(&self, file: &str, right: &str) -> bool {
        let who = self.rights.get(right).unwrap_or_else(|| panic!("docs/architecture.md says nobody who `{right}`"));
        let below = file.strip_prefix("src/").unwrap_or(file);
        who.iter().any(|one| below == one || room_of(file) == Some(one))
    }
}

/// The room that a file stands in: `store` for that crate, none for the list of the rooms.
fn room_of(file: &str) -> Option<&str> {
    if file.starts_with("store/") {
        return Some("store");
    }
    let first = file.strip_prefix("src/")?.split('/').next()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    (room != "lib").then_some(room)
}

/// Whatever breaks a rule: the line, and the rule.
pub(crate) fn broken(house: &House, plan: &Plan, hosts: &[String], store_names: &[String]) -> Vec<String> {
    let mut found = rooms(house, plan);
    found.extend(upward(house, plan));
    found.extend(circles(house));
    found.extend(rights(house, plan));
    found.extend(names(house, plan, hosts, store_names));
    for (path, file) in house.files.iter().filter(|(_, file)| file.lines > MOST_LINES) {
        found.push(format!("{path}:{}: a file has at most {MOST_LINES} lines", file.lines));
    }
    found
}

/// Each module of the library is a row of the table, and each row a module.
fn rooms(house: &House, plan: &Plan) -> Vec<String> {
    let in_table: BTreeSet<&str> = plan.rooms.iter().map(String::as_str).collect();
    let mut modules: BTreeSet<&str> = house.files["src/lib.rs"].children.iter().map(String::as_str).collect();
    modules.extend(["main", "store"]);
    let without_row =
        modules.difference(&in_table).map(|room| format!("src/lib.rs: `{room}` is no row of the table of rooms"));
    let without_module =
        in_table.difference(&modules).map(|room| format!("docs/architecture.md: `{room}` is no module of src/lib.rs"));
    without_row.chain(without_module).collect()
}

/// Data goes down the list: a room imports only what stands below it.
fn upward(house: &House, plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    for (from, needs) in house.needs() {
        for (to, (line, path)) in needs {
            let (Some(own), Some(other)) = (room_of(from), room_of(to)) else { continue };
            if plan.place(own).zip(plan.place(other)).is_some_and(|(own, other)| other < own) {
                found.push(format!("{from}:{line}: `{own}` imports {path}, and `{other}` stands above it"));
            }
        }
    }
    found
}

/// No file needs itself by way of others. Of files that are tied together by several circles, the shortest is named.
fn circles(house: &House) -> Vec<String> {
    let needs = house.needs();
    let mut circles: Vec<Vec<&str>> = needs.keys().filter_map(|file| shortest_way_back(file, &needs)).collect();
    circles.sort_by_key(Vec::len);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for circle in circles {
        if circle.iter().any(|file| told.contains(file)) {
            continue;
        }
        told.extend(&circle);
        let steps = circle.iter().enumerate().map(|(position, from)| {
            let to = circle[(position + 1) % circle.len()];
            let (line, path) = &needs[from][to];
            format!("\n    {from}:{line}: {path} of {to}")
        });
        found.push(format!("a circle of {} files:{}", circle.len(), steps.collect::<String>()));
    }
    found
}

type Needs<'a> = BTreeMap<&'a str, BTreeMap<&'a str, (usize, String)>>;

/// The shortest way from a file to itself: each file needs the next, and the last the first.
fn shortest_way_back<'a>(start: &'a str, needs: &Needs<'a>) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(file) = open.pop_front() {
        for next in needs.get(file)?.keys() {
            if *next == start {
                let mut way = vec![file];
                while way[way.len() - 1] != start {
                    way.push(came_from[way[way.len() - 1]]);
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, file);
                open.push_back(next);
            }
        }
    }
    None
}

/// Who may print, read the environment, end the process, do I/O.
fn rights(house: &House, plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    let is_pure =
        |file: &str| room_of(file).is_some_and(|room| plan.rights["does no I/O"].iter().any(|pure| pure == room));
    for (name, file) in &house.files {
        let refused = |line: &usize, what: &str, right: &str| {
            (!plan.may(name, right)).then(|| format!("{name}:{line}: {what}: not a file that {right}"))
        };
        for (line, what) in &file.macros {
            if matches!(what.as_str(), "print" | "println" | "eprint" | "eprintln" | "dbg") {
                found.extend(refused(line, &format!("{what}!"), "prints"));
            }
        }
        for (line, path) in &file.paths {
            let segments: Vec<&str> = path.iter().map(String::as_str).collect();
            let right = match segments[..] {
                ["std", "io", "stdout" | "stderr", ..] => "prints",
                ["std", "env", "consts" | "split_paths" | "join_paths", ..] | ["std", "env"] => continue,
                ["std", "env", ..] => "reads the environment",
                ["std", "process", "exit" | "abort", ..] => "ends the process",
                ["std", "fs" | "net" | "process", ..] | ["tokio" | "reqwest" | "hyper" | "rustix" | "tempfile", ..] => {
                    if is_pure(name) {
                        found.push(format!("{name}:{line}: {}: this room does no I/O", path.join("::")));
                    }
                    continue;
                }
                _ => continue,
            };
            found.extend(refused(line, &path.join("::"), right));
        }
    }
    found
}

/// Who may name a public host, and who knows the store's paths.
fn names(house: &House, plan: &Plan, hosts: &[String], store_names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, file) in &house.files {
        for (line, text) in &file.texts {
            if let Some(host) = hosts.iter().find(|host| text.contains(host.as_str()))
                && !plan.may(name, "names a public host")
            {
                found.push(format!("{name}:{line}: {host}: not a file that names a public host"));
            }
        }
        for (line, text) in &file.joined {
            let first = text.split('/').next().unwrap_or_default();
            if store_names.iter().any(|known| known == first) && !plan.may(name, "knows a path inside the store") {
                found.push(format!("{name}:{line}: {text}: not a file that knows a path inside the store"));
            }
        }
    }
    found
}
