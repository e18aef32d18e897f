//! [`Holder`]: the process that holds a lock, from Linux's list of file locks (`/proc/locks`), which covers the processes that this one can see.

use std::{fmt, fs, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::{major, minor};

/// The process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its name, as `ps` shows it.
    pub name: String,
    /// Whether nobody else can have the lock meanwhile; else, others can share it.
    pub is_exclusive: bool,
    /// Whether it is stopped, and goes on only when somebody continues it.
    pub is_stopped: bool,
    /// Whether it is the same program as this one.
    pub is_larder: bool,
}

impl Holder {
    /// Who holds the lock on this file; `None` where nobody does, or where the system does not say.
    pub(crate) fn of(lock: &Path) -> Option<Self> {
        let metadata = fs::metadata(lock).ok()?;
        let table = fs::read_to_string("/proc/locks").ok()?;
        let (pid, is_exclusive) = find(&table, (major(metadata.dev()), minor(metadata.dev())), metadata.ino())?;
        let (name, state) = name_and_state(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        let own = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| Some(name_and_state(&stat)?.0));
        let is_larder = name == "larder" || own.as_ref() == Some(&name);
        Some(Self { pid, name, is_exclusive, is_stopped: matches!(state, 'T' | 't'), is_larder })
    }

    /// Whether it may hold the lock for ever.
    pub(crate) const fn is_hopeless(&self) -> bool {
        self.is_stopped || !self.is_larder
    }
}

/// `process 123 (python3) holds an exclusive lock on it`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_exclusive { "an exclusive" } else { "a shared" };
        let stopped = if self.is_stopped { ", which is stopped," } else { "" };
        // A name is whatever its program wants.
        write!(f, "process {} ({}){stopped} holds {kind} lock on it", self.pid, self.name.escape_debug())
    }
}

/// The process and whether its lock is exclusive, from the lines of `/proc/locks`: `1: FLOCK  ADVISORY  WRITE 123 08:01:4567 0 EOF`. Who waits has an arrow in
/// its line.
fn find(table: &str, device: (u32, u32), inode: u64) -> Option<(u32, bool)> {
    let place = format!("{:02x}:{:02x}:{inode}", device.0, device.1);
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        match fields.as_slice() {
            [_, "FLOCK", _, kind, pid, at, ..] if *at == place => Some((pid.parse().ok()?, *kind == "WRITE")),
            _ => None,
        }
    })
}

/// From `/proc/<pid>/stat`: `123 (name) S …`. A name can have spaces and brackets.
fn name_and_state(stat: &str) -> Option<(String, char)> {
    let (open, close) = (stat.find('(')?, stat.rfind(')')?);
    Some((stat.get(open + 1..close)?.to_owned(), stat.get(close + 1..)?.trim_start().chars().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_in_the_systems_table_and_who_waits_is_not() {
        let table = "\
1: POSIX  ADVISORY  WRITE 9 08:01:77 0 EOF
2: -> FLOCK  ADVISORY  WRITE 8 08:01:77 0 EOF
3: FLOCK  ADVISORY  READ  10 08:01:78 0 EOF
4: FLOCK  ADVISORY  WRITE 11 08:01:77 0 EOF
5: FLOCK  ADVISORY  WRITE 12 fd:0a:77 0 EOF
";
        assert_eq!(find(table, (8, 1), 77), Some((11, true)));
        assert_eq!(find(table, (8, 1), 78), Some((10, false)));
        assert_eq!(find(table, (0xfd, 10), 77), Some((12, true)));
        assert_eq!(find(table, (8, 2), 77), None);
    }

    #[test]
    fn a_name_may_hold_what_separates_fields() {
        assert_eq!(name_and_state("12 (a) b (c) T 1 2"), Some(("a) b (c".to_owned(), 'T')));
        assert_eq!(name_and_state("12 (larder"), None);
    }

    #[test]
    fn what_holds_a_lock_is_said_in_words() {
        let holder =
            Holder { pid: 7, name: "sleep".to_owned(), is_exclusive: false, is_stopped: true, is_larder: false };
        assert_eq!(holder.to_string(), "process 7 (sleep), which is stopped, holds a shared lock on it");
    }
}
