//! Zip archives as tests need them: small, stored, and wrong where a test wants them to be.

/// A member of an archive.
#[derive(Clone, Debug)]
struct Member {
    name: String,
    bytes: Vec<u8>,
    /// The length that the headers state.
    stated: u32,
}

/// Builds a zip archive whose members are stored as they are, without times.
#[derive(Clone, Debug, Default)]
pub struct Zip(Vec<Member>);

impl Zip {
    /// An archive without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more member.
    #[must_use]
    pub fn with(self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let stated = u32::try_from(bytes.len()).expect("members of tests are short");
        self.push(Member { name: name.to_owned(), bytes, stated })
    }

    /// One more member, whose headers state this length once unpacked.
    #[must_use]
    pub fn with_false_length(self, name: &str, bytes: impl Into<Vec<u8>>, stated: u32) -> Self {
        self.push(Member { name: name.to_owned(), bytes: bytes.into(), stated })
    }

    fn push(mut self, member: Member) -> Self {
        self.0.push(member);
        self
    }

    /// The archive's bytes.
    pub fn build(&self) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for member in &self.0 {
            let offset = length(bytes.len());
            let head = member.head();
            bytes.extend([b"PK\x03\x04".as_slice(), &head, member.name.as_bytes(), &member.bytes].concat());
            directory
                .extend([b"PK\x01\x02\x14\x00".as_slice(), &head, &[0; 10], &offset, member.name.as_bytes()].concat());
        }
        let count = u16::try_from(self.0.len()).expect("archives of tests have few members").to_le_bytes();
        let (offset, len) = (length(bytes.len()), length(directory.len()));
        bytes.extend(directory);
        bytes.extend([b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &len, &offset, &[0; 2]].concat());
        bytes
    }
}

impl Member {
    /// What both headers say: version, flags, method, time, date, checksum, lengths, length of the name, no extra fields.
    fn head(&self) -> Vec<u8> {
        let name = u16::try_from(self.name.len()).expect("names of tests are short").to_le_bytes();
        let time_and_date = [0, 0, 0x21, 0];
        let checksum = checksum(&self.bytes).to_le_bytes();
        let (packed, plain) = (length(self.bytes.len()), self.stated.to_le_bytes());
        [&[0x14, 0, 0, 0, 0, 0][..], &time_and_date, &checksum, &packed, &plain, &name, &[0; 2]].concat()
    }
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).expect("archives of tests are short").to_le_bytes()
}

/// CRC-32, bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

/// A wheel: its file's name and its bytes. `metadata` are the lines of its head after name and version.
pub fn wheel(name: &str, version: &str, tag: &str, metadata: &[&str]) -> (String, Vec<u8>) {
    let stem = name.replace('-', "_");
    let info = format!("{stem}-{version}.dist-info");
    let head = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{}\n", metadata.join("\n"));
    let bytes = Zip::new()
        .with(&format!("{stem}/__init__.py"), format!("version = '{version}'\n"))
        .with(&format!("{info}/METADATA"), head)
        .with(&format!("{info}/WHEEL"), format!("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"))
        .with(&format!("{info}/RECORD"), "")
        .build();
    (format!("{stem}-{version}-{tag}.whl"), bytes)
}
