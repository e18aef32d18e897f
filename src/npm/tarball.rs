//! Reading a package's `package.json`, or a few other files, out of its tarball.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead, BufReader, Read},
    ops::ControlFlow,
};

use crate::archive::{
    bounded::is_too_much,
    gzip::{Gunzip, MAGIC},
    tar::{self, Bounds},
};

/// The longest `package.json` that is read: far longer than any. 16 MiB.
const LONGEST_PACKAGE_JSON: u64 = 16 << 20;
/// How far into the unpacked archive it is looked for. The largest packages unpack to some hundred megabytes, of some ten thousand files. 4 GiB.
const BOUNDS: Bounds = Bounds { bytes: 4 << 30, entries: 500_000 };

/// Why a tarball gives no `package.json`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarballError {
    /// It is no archive, or a damaged one.
    #[error("it is no tar archive, compressed by gzip or not")]
    Unreadable(#[source] io::Error),
    /// It unpacks to more than any package does.
    #[error("it is larger than any package")]
    TooMuch(#[source] io::Error),
    /// There is none in its outermost folder.
    #[error("it has no package.json")]
    NoPackageJson,
    /// It is longer than any real one.
    #[error("a file that is to be read of it is longer than {LONGEST_PACKAGE_JSON} bytes")]
    TooLong,
}

/// The first `package.json` in the archive's outermost folder, whatever that is called. npm packs it early, and what follows it is not unpacked.
pub fn package_json(tarball: impl Read) -> Result<Vec<u8>, TarballError> {
    let mut tarball = BufReader::with_capacity(64 << 10, tarball);
    let start = tarball.fill_buf().map_err(TarballError::Unreadable)?;
    if start.starts_with(MAGIC) { find_in(Gunzip::new(tarball), BOUNDS) } else { find_in(tarball, BOUNDS) }
}

/// The files at these paths below the archive's outermost folder, as far as they are there. Of several at one path the last one counts, as it does for who unpacks them.
pub fn files(tarball: impl Read, paths: &BTreeSet<&str>) -> Result<BTreeMap<String, Vec<u8>>, TarballError> {
    let mut tarball = BufReader::with_capacity(64 << 10, tarball);
    let start = tarball.fill_buf().map_err(TarballError::Unreadable)?;
    if start.starts_with(MAGIC) { files_in(Gunzip::new(tarball), paths) } else { files_in(tarball, paths) }
}

fn files_in(archive: impl Read, paths: &BTreeSet<&str>) -> Result<BTreeMap<String, Vec<u8>>, TarballError> {
    let mut found = BTreeMap::new();
    tar::walk::<(), TarballError>(archive, BOUNDS, |file| {
        if let Some(path) = below_top(file.path).filter(|path| paths.contains(path.as_str())) {
            if file.size > LONGEST_PACKAGE_JSON {
                return Err(TarballError::TooLong);
            }
            let mut bytes = Vec::new();
            file.bytes.read_to_end(&mut bytes)?;
            found.insert(path, bytes);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// `lib/a.js` of `package/lib/a.js`.
fn below_top(path: &[u8]) -> Option<String> {
    let path = str::from_utf8(path).ok()?;
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).skip(1).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn find_in(archive: impl Read, bounds: Bounds) -> Result<Vec<u8>, TarballError> {
    let found = tar::walk(archive, bounds, |file| {
        if !is_package_json(file.path) {
            return Ok(ControlFlow::Continue(()));
        }
        if file.size > LONGEST_PACKAGE_JSON {
            return Err(TarballError::TooLong);
        }
        let mut bytes = Vec::new();
        file.bytes.read_to_end(&mut bytes)?;
        Ok(ControlFlow::Break(bytes))
    })?;
    found.ok_or(TarballError::NoPackageJson)
}

impl From<io::Error> for TarballError {
    fn from(error: io::Error) -> Self {
        if is_too_much(&error) { Self::TooMuch(error) } else { Self::Unreadable(error) }
    }
}

/// `package/package.json`, `./package/package.json`, `repository-1a2b3c/package.json`.
fn is_package_json(path: &[u8]) -> bool {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).skip(1).eq([b"package.json".as_slice()])
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = ::tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_outermost_package_json_is_found_whatever_its_folder_is_called() {
        let files = [
            ("package/lib/package.json", "inner"),
            ("package/package.json.bak", "other"),
            ("owner-widgets-0123456/package.json", "outer"),
        ];
        let tarball = archive(&files);
        assert_eq!(package_json(&*tarball).unwrap(), b"outer");
        assert_eq!(package_json(&*gzip(&tarball)).unwrap(), b"outer");
    }

    #[test]
    fn a_few_files_are_found_below_the_outermost_folder() {
        let files =
            [("package/a.json", "old"), ("./package//lib/b.js", "b"), ("other/a.json", "new"), ("a.json", "top")];
        let wanted = ["a.json", "lib/b.js", "c"].into();
        let found = super::files(&*gzip(&archive(&files)), &wanted).unwrap();
        let found: Vec<(&str, &[u8])> = found.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        assert_eq!(found, [("a.json", &b"new"[..]), ("lib/b.js", b"b")]);
    }

    #[test]
    fn what_is_no_tarball_says_so() {
        assert!(matches!(package_json(&b"no archive"[..]), Err(TarballError::Unreadable(_))));
        assert!(matches!(package_json(&*gzip(&[7; 4096])), Err(TarballError::Unreadable(_))));
        assert!(matches!(package_json(&*archive(&[("package/a", "")])), Err(TarballError::NoPackageJson)));
        let whole = gzip(&archive(&[("package/big", &"x".repeat(100_000)), ("package/package.json", "{}")]));
        assert!(matches!(package_json(&whole[..whole.len() / 2]), Err(TarballError::Unreadable(_))));
    }

    #[test]
    fn a_long_name_before_the_file_is_not_taken_into_memory() {
        let mut builder = ::tar::Builder::new(Vec::new());
        let name = vec![0; 4 << 20];
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(::tar::EntryType::GNULongName);
        header.set_size(name.len() as u64);
        header.set_cksum();
        builder.append(&header, &*name).unwrap();
        let mut bomb = builder.into_inner().unwrap();
        bomb.truncate(bomb.len() - 1024);
        bomb.extend(archive(&[("package/package.json", "{}")]));
        assert_eq!(package_json(&*gzip(&bomb)).unwrap(), b"{}");
    }

    #[test]
    fn what_unpacks_to_more_than_any_package_is_given_up() {
        let many = archive(&[("package/a", ""), ("package/b", ""), ("package/package.json", "{}")]);
        let within = |entries| find_in(&*many, Bounds { entries, ..BOUNDS });
        assert_eq!(within(3).unwrap(), b"{}");
        assert!(matches!(within(2), Err(TarballError::TooMuch(_))));
    }
}
