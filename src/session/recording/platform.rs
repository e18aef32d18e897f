//! Which platform an address says that its file is for. Pure.

use url::Url;

use crate::{
    lockfile::larder_lock::{PlatformWord, RecordedLibc, RecordedPlatform},
    plan::selection::Platform,
};

/// Words of addresses for node's names of systems.
const SYSTEMS: [(&str, &str); 12] = [
    ("linux", "linux"),
    ("linux64", "linux"),
    ("manylinux", "linux"),
    ("debian", "linux"),
    ("ubuntu", "linux"),
    ("alpine", "linux"),
    ("darwin", "darwin"),
    ("macos", "darwin"),
    ("mac", "darwin"),
    ("osx", "darwin"),
    ("win32", "win32"),
    ("windows", "win32"),
];

/// Words of addresses for node's names of processors.
const PROCESSORS: [(&str, &str); 7] = [
    ("x64", "x64"),
    ("amd64", "x64"),
    ("linux64", "x64"),
    ("win64", "x64"),
    ("arm64", "arm64"),
    ("aarch64", "arm64"),
    ("ia32", "ia32"),
];

/// What an address says of its platform, as far as it says this one. What says another one is for any: this machine has asked for it.
pub(super) fn platform_of(url: &Url, here: Option<Platform>) -> RecordedPlatform {
    let Some(here) = here else { return RecordedPlatform::default() };
    let text = format!("{}?{}", url.path(), url.query().unwrap_or_default()).to_ascii_lowercase();
    let text = text.replace("x86_64", "x64").replace("x86-64", "x64").replace("linuxmusl", "linux-musl");
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let says = |known: &[(&str, &str)], wanted: &str| {
        // A version of a distribution may follow its name: debian12.
        let is_it = |word: &str, name: &str| {
            word.strip_prefix(name).is_some_and(|rest| rest.parse::<u16>().is_ok() || rest.is_empty())
        };
        known.iter().any(|(name, meant)| *meant == wanted && words.iter().any(|word| is_it(word, name)))
    };
    let (os, cpu) = (here.os.name(), here.cpu.name());
    let os = says(&SYSTEMS, os).then(|| PlatformWord::os(os).ok()).flatten();
    let cpu = says(&PROCESSORS, cpu).then(|| PlatformWord::cpu(cpu).ok()).flatten();
    let libc = (os.is_some() && words.contains(&"musl")).then_some(RecordedLibc::Musl);
    RecordedPlatform { os, cpu, libc, abi: abi(&text) }
}

/// The version of node's modules, as prebuilt files have it: `-node-v115-`.
fn abi(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("-node-v")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|abi| (57..1000).contains(abi))
}
