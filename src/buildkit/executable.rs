//! Inspects an executable: reads its processor and its loader from the ELF header, as `elf(5)` describes it.
//!
//! A build in an empty image can only run a static executable. One with a loader (`PT_INTERP`) would fail there with "no such file", which does not say which file is
//! missing. So larder checks it first.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::plan::selection::{Cpu, Os, Platform};

/// The program headers come right after the ELF header, which has 64 bytes; linkers write a dozen of 56 bytes.
const HEAD_BYTES: u64 = 64 << 10;

/// `PT_INTERP` of `elf.h`: a segment that names a loader.
const INTERPRETER: u64 = 3;

/// A program for Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Executable {
    /// Its processor.
    pub cpu: Cpu,
    /// Whether it runs without a loader and libraries.
    pub is_static: bool,
}

/// Why a file is no program for a build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ExecutableError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is for another system, or no program at all.
    #[error("{} is not a program for Linux", path.display())]
    NotLinux {
        /// The file.
        path: PathBuf,
    },
    /// It needs a loader.
    #[error("{} is not a static binary: it needs a loader and libraries that an empty image does not have", path.display())]
    NotStatic {
        /// The file.
        path: PathBuf,
    },
}

impl Executable {
    /// Reads the head of a file.
    pub(crate) fn read(path: &Path) -> Result<Self, ExecutableError> {
        let mut head = Vec::new();
        let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
        read.map_err(|source| ExecutableError::Unreadable { path: path.to_owned(), source })?;
        Self::from_head(&head).ok_or_else(|| ExecutableError::NotLinux { path: path.to_owned() })
    }

    /// The same for a file that has to be static.
    pub(crate) fn read_static(path: &Path) -> Result<Self, ExecutableError> {
        let executable = Self::read(path)?;
        if executable.is_static { Ok(executable) } else { Err(ExecutableError::NotStatic { path: path.to_owned() }) }
    }

    /// From a file's first bytes; `None` if they are not those of a program for a processor that larder knows.
    pub(crate) fn from_head(head: &[u8]) -> Option<Self> {
        let elf = Elf::new(head)?;
        // `e_machine`, as `elf.h` numbers them.
        let cpu = match elf.number(18, 2)? {
            62 => Cpu::X64,
            183 => Cpu::Arm64,
            40 => Cpu::Arm,
            3 => Cpu::Ia32,
            21 => Cpu::Ppc64,
            22 => Cpu::S390x,
            243 => Cpu::Riscv64,
            258 => Cpu::Loong64,
            _ => return None,
        };
        let (table, row_len, rows) = if elf.is_64_bit {
            (elf.number(32, 8)?, elf.number(54, 2)?, elf.number(56, 2)?)
        } else {
            (elf.number(28, 4)?, elf.number(42, 2)?, elf.number(44, 2)?)
        };
        let mut is_static = true;
        for row in 0..rows {
            let start = usize::try_from(table.checked_add(row * row_len)?).ok()?;
            is_static &= elf.number(start, 4)? != INTERPRETER;
        }
        Some(Self { cpu, is_static })
    }

    /// The platform that it runs on, with any C library.
    pub(crate) const fn platform(self) -> Platform {
        Platform { os: Os::Linux, cpu: self.cpu, libc: None }
    }
}

/// The head of an ELF file, of either length of words and order of bytes.
struct Elf<'a> {
    bytes: &'a [u8],
    is_64_bit: bool,
    is_little: bool,
}

impl<'a> Elf<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let [0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2, _, system, ..] = *bytes else { return None };
        let elf = Self { bytes, is_64_bit: class == 2, is_little: order == 1 };
        // System V or Linux; programs alone (2), or those that may lie anywhere (3).
        (matches!(system, 0 | 3) && matches!(elf.number(16, 2)?, 2 | 3)).then_some(elf)
    }

    /// The number of `len` bytes, 8 at most, at this place.
    fn number(&self, start: usize, len: usize) -> Option<u64> {
        let bytes = self.bytes.get(start..start.checked_add(len)?)?;
        let digit = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.is_little { bytes.iter().rev().fold(0, digit) } else { bytes.iter().fold(0, digit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head with these segments.
    fn head(machine: u16, segments: &[u32]) -> Vec<u8> {
        let mut head = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        head.extend([2_u16, machine].iter().flat_map(|number| number.to_le_bytes()));
        head.resize(32, 0);
        head.extend(64_u64.to_le_bytes());
        head.resize(54, 0);
        head.extend([56, u16::try_from(segments.len()).unwrap()].iter().flat_map(|number| number.to_le_bytes()));
        head.resize(64, 0);
        for segment in segments {
            head.extend(segment.to_le_bytes());
            head.resize(head.len() + 52, 0);
        }
        head
    }

    #[test]
    fn a_program_is_static_if_no_segment_names_a_loader() {
        let read = |machine, segments: &[u32]| Executable::from_head(&head(machine, segments));
        assert_eq!(read(62, &[6, 1, 2]), Some(Executable { cpu: Cpu::X64, is_static: true }));
        assert_eq!(read(183, &[6, 3, 1]), Some(Executable { cpu: Cpu::Arm64, is_static: false }));
        assert_eq!(read(62, &[]).unwrap().platform().to_string(), "linux/amd64");
    }

    #[test]
    fn what_is_no_program_is_none() {
        let whole = head(62, &[6, 3]);
        for len in 0..whole.len() - 52 {
            assert_eq!(Executable::from_head(&whole[..len]), None, "cut after {len}");
        }
        let with = |place: usize, byte| {
            let mut bytes = whole.clone();
            bytes[place] = byte;
            Executable::from_head(&bytes)
        };
        // A library's object file, FreeBSD's, one of an unknown processor, and a table beyond every file.
        assert_eq!([with(16, 1), with(7, 9), with(18, 99), with(39, 0xff)], [None; 4]);
        assert_eq!(Executable::from_head(b"#!/bin/sh\nexec larder\n"), None);
    }

    #[test]
    fn a_file_is_named_in_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("larder");
        let refusal = || Executable::read_static(&path).unwrap_err().to_string().replace(path.to_str().unwrap(), "X");
        assert_eq!(refusal(), "X cannot be read");
        std::fs::write(&path, "#!/bin/sh").unwrap();
        assert_eq!(refusal(), "X is not a program for Linux");
        std::fs::write(&path, head(62, &[3])).unwrap();
        assert!(refusal().starts_with("X is not a static binary"), "{}", refusal());
        std::fs::write(&path, head(62, &[1])).unwrap();
        assert_eq!(Executable::read_static(&path).unwrap().cpu, Cpu::X64);
    }
}
