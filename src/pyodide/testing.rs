//! Archives for tests: zip archives with whatever is wrong with them, and tarballs.

use std::{collections::BTreeMap, io::Write as _};

use flate2::{Compression, write::DeflateEncoder};

pub(crate) mod packages;

/// One member of an archive that is made.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) path: String,
    pub(crate) packed: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc: u32,
    pub(crate) size: u64,
    /// What it says to have when unpacked, where that is a lie.
    pub(crate) unpacked: Option<u64>,
}

impl Member {
    pub(crate) fn stored(path: &str, bytes: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let (path, size) = (path.to_owned(), bytes.len() as u64);
        Self { path, packed: bytes.to_vec(), method: 0, flags: 0, crc: crc.sum(), size, unpacked: None }
    }

    pub(crate) fn deflated(path: &str, bytes: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        Self { packed: encoder.finish().unwrap(), method: 8, ..Self::stored(path, bytes) }
    }
}

/// An archive that is made.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) members: Vec<Member>,
    /// With the fields of large archives.
    pub(crate) is_large: bool,
    /// Where the directory says that members begin, where that is a lie.
    pub(crate) offsets: BTreeMap<usize, u32>,
}

impl Made {
    pub(crate) fn of(members: &[Member]) -> Self {
        Self { members: members.to_vec(), is_large: false, offsets: BTreeMap::new() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (position, member) in self.members.iter().enumerate() {
            let offset = self.offsets.get(&position).copied().unwrap_or(u32::try_from(bytes.len()).unwrap());
            let unpacked = member.unpacked.unwrap_or(member.size);
            let mut extra = Vec::new();
            let mut sizes = [member.packed.len() as u64, unpacked].map(|size| u32::try_from(size).unwrap_or(u32::MAX));
            if self.is_large {
                sizes = [u32::MAX; 2];
                extra.extend([1, 0, 16, 0]);
                extra.extend(unpacked.to_le_bytes());
                extra.extend((member.packed.len() as u64).to_le_bytes());
            }
            let mut common = Vec::new();
            common.extend(20u16.to_le_bytes());
            common.extend(member.flags.to_le_bytes());
            common.extend(member.method.to_le_bytes());
            common.extend([0; 4]);
            common.extend(member.crc.to_le_bytes());
            common.extend(sizes[0].to_le_bytes());
            common.extend(sizes[1].to_le_bytes());
            common.extend(u16::try_from(member.path.len()).unwrap().to_le_bytes());
            common.extend(u16::try_from(extra.len()).unwrap().to_le_bytes());
            bytes.extend(b"PK\x03\x04");
            bytes.extend(&common);
            bytes.extend(member.path.as_bytes());
            bytes.extend(&extra);
            bytes.extend(&member.packed);
            directory.extend(b"PK\x01\x02\x14\0");
            directory.extend(&common);
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(member.path.as_bytes());
            directory.extend(&extra);
        }
        let (start, count) = (bytes.len() as u64, self.members.len() as u64);
        let len = directory.len() as u64;
        bytes.extend(directory);
        if self.is_large {
            let end = bytes.len() as u64;
            bytes.extend(b"PK\x06\x06");
            bytes.extend(44u64.to_le_bytes());
            bytes.extend([0; 12]);
            bytes.extend([count, count, len, start].map(u64::to_le_bytes).concat());
            bytes.extend(b"PK\x06\x07\0\0\0\0");
            bytes.extend(end.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
        }
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        let count = u16::try_from(count).unwrap();
        bytes.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
        bytes.extend(u32::try_from(len).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(start).unwrap().to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }
}

/// A zip archive of these members.
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    Made::of(members).bytes()
}

/// A METADATA.
pub(crate) fn metadata(name: &str, version: &str, requires: &[&str]) -> String {
    let mut text = format!("Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n");
    for requirement in requires {
        text.extend([
            "Requires-Dist: ",
            requirement,
            "
",
        ]);
    }
    text + "\nThe description.\n"
}

/// A tarball as npm has them.
pub(crate) fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    for (path, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// The npm tarball of a runtime with this lock.
pub(crate) fn runtime_tarball(version: &str, lock: &str) -> Vec<u8> {
    tarball(&[
        ("package/package.json", &format!(r#"{{"name": "pyodide", "version": "{version}"}}"#)),
        ("package/pyodide.mjs", "the entry"),
        ("package/pyodide.asm.js", "the glue"),
        ("package/pyodide.asm.wasm", "the interpreter"),
        ("package/python_stdlib.zip", "the library"),
        ("package/pyodide-lock.json", lock),
        ("package/README.md", "what nobody loads"),
    ])
}
