//! A release archive (`pyodide-VERSION.tar.bz2`) as a source of distribution files. It is read as a stream, at most once in a call, and its entries' names are never
//! used as paths on the disk.
//!
//! ```text
//! server or file ─▶ bzip2 ─▶ tar ─▶ the files that this call may need ─▶ one nameless file (extracted.rs) ─▶ each job's part, verified there
//! ```
//!
//! Reading ends with the last file that is needed. Damage further on does not affect the files before it.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io::{self, BufReader, Read},
    ops::ControlFlow,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bzip2::read::MultiBzDecoder;
use larder_store::Store;
use tokio::sync::OnceCell;
use url::Url;

use super::{
    extracted::{Extracted, Kept},
    job::Job,
    pipe_sink::{self, PipeSink},
};
use crate::{
    archive::tar::{self, Bounds},
    core::file_name::FileName,
    http::{Client, DownloadError, Progress, RedactedUrl, Request, SinkError, download},
};

/// Of an archive, what may come out. A whole distribution has 0.4 GB, some hundred files, and as many pieces of metadata beside them. 8 GiB.
const BOUNDS: Bounds = Bounds { bytes: 8 << 30, entries: 100_000 };

/// The archives that a fill may need.
pub(super) struct Archives {
    store: Store,
    longest: u64,
    all: HashMap<Url, Archive>,
}

#[derive(Default)]
struct Archive {
    wanted: BTreeSet<FileName>,
    opened: OnceCell<Result<Arc<Opened>, Arc<DownloadError>>>,
}

/// What an archive gave.
struct Opened {
    extracted: Extracted,
    /// What ended it before everything that is wanted was found.
    problem: Option<Arc<io::Error>>,
}

impl Archives {
    /// Those that these orders name. A file of more than `longest` bytes is not taken from one.
    pub(super) fn of<'a>(jobs: impl Iterator<Item = &'a Job>, store: Store, longest: u64) -> Self {
        let mut all: HashMap<Url, Archive> = HashMap::new();
        for address in jobs.flat_map(|job| &job.addresses) {
            if let Some(member) = &address.member {
                all.entry(address.url.clone()).or_default().wanted.insert(member.clone());
            }
        }
        Self { store, longest, all }
    }

    /// A file of an archive that was named to [`Archives::of`].
    pub(super) async fn member(
        &self,
        client: &Client,
        url: &Url,
        member: &FileName,
        progress: &Arc<dyn Progress>,
    ) -> Result<Kept, Arc<DownloadError>> {
        let archive = self.all.get(url).expect("every job's archives were named");
        let opened = archive.opened.get_or_init(|| self.open(client, url, archive, progress)).await.clone()?;
        if let Some(kept) = opened.extracted.get(member) {
            return Ok(kept);
        }
        let (shown, file) = (RedactedUrl::new(url), member.to_string());
        Err(Arc::new(match &opened.problem {
            Some(source) => DownloadError::Archive { archive: shown, file, source: Arc::clone(source) },
            None => DownloadError::NotInArchive { archive: shown, file },
        }))
    }

    async fn open(
        &self,
        client: &Client,
        url: &Url,
        archive: &Archive,
        progress: &Arc<dyn Progress>,
    ) -> Result<Arc<Opened>, Arc<DownloadError>> {
        let file = self.store.nameless_file();
        let kept = |error| DownloadError::Sink { url: RedactedUrl::new(url), source: SinkError::new(error) };
        let extracted = Extracted::new(file.map_err(kept)?);
        let (wanted, longest) = (archive.wanted.clone(), self.longest);
        let unpack =
            move |source: &mut dyn Read, extracted: &mut Extracted| unpack(source, &wanted, longest, extracted);
        let opened = if url.scheme() == "file" {
            let path = url.to_file_path().unwrap_or_else(|()| PathBuf::from(url.path()));
            super::blocking::blocking(move || of_file(path, extracted, unpack)).await?
        } else {
            let slot = Arc::new(Mutex::new(None));
            let pipe_sink = PipeSink::new(Arc::clone(&slot), extracted, unpack);
            let request = Request { url: url.clone(), is_checked: false };
            match download(client, &request, pipe_sink, Arc::clone(progress)).await {
                Ok(()) => {}
                Err(DownloadError::Sink { source, .. }) if source.downcast_ref::<pipe_sink::Enough>().is_some() => {}
                Err(error) => return Err(Arc::new(error)),
            }
            let ended = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (extracted, result) = ended.expect("the unpacking has ended, and left this");
            Opened { extracted, problem: result.err().map(Arc::new) }
        };
        Ok(Arc::new(opened))
    }
}

fn of_file(
    path: PathBuf,
    mut extracted: Extracted,
    unpack: impl Fn(&mut dyn Read, &mut Extracted) -> io::Result<()>,
) -> Result<Opened, Arc<DownloadError>> {
    let file = File::open(&path).map_err(|source| DownloadError::File { path, source })?;
    let problem = unpack(&mut BufReader::new(file), &mut extracted).err().map(Arc::new);
    Ok(Opened { extracted, problem })
}

/// Copies what is wanted out of an archive, until all of it is there.
fn unpack(
    source: &mut dyn Read,
    wanted: &BTreeSet<FileName>,
    longest: u64,
    extracted: &mut Extracted,
) -> io::Result<()> {
    let all = tar::walk(MultiBzDecoder::new(source), BOUNDS, |file| {
        let Some(name) = distributed(file.path).filter(|name| wanted.contains(name)) else {
            return Ok(ControlFlow::Continue(()));
        };
        if file.size > longest {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more bytes in one file than a release has"));
        }
        extracted.take(&name, file.size, &mut *file.bytes)?;
        Ok(if extracted.len() == wanted.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    all.map(|_| ())
}

/// The name of a file that stands at the archive's top or in the one folder there; whatever leads elsewhere is none.
fn distributed(path: &[u8]) -> Option<FileName> {
    let path = Path::new(str::from_utf8(path).ok()?);
    let parts: Option<Vec<&str>> = path
        .components()
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| if let Component::Normal(part) = part { part.to_str() } else { None })
        .collect();
    match parts?[..] {
        [name] | [_, name] => FileName::parse(name).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    /// An archive of regular files at these paths, whatever the paths are.
    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        let mut builder = ::tar::Builder::new(encoder);
        for (path, bytes) in files {
            let mut header = ::tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(bytes: &[u8], wanted: &[&str], longest: u64) -> (Vec<String>, Option<String>) {
        let mut extracted = Extracted::new(tempfile::tempfile().unwrap());
        let wanted: BTreeSet<FileName> = wanted.iter().map(|text| name(text)).collect();
        let result = unpack(&mut &bytes[..], &wanted, longest, &mut extracted);
        let read = |name: &FileName| {
            let mut text = String::new();
            extracted.get(name)?.read_to_string(&mut text).unwrap();
            Some(format!("{name}: {text}"))
        };
        (wanted.iter().filter_map(read).collect(), result.err().map(|error| error.to_string()))
    }

    #[test]
    fn files_of_the_one_folder_are_found_and_reading_ends_with_the_last() {
        let mut bytes =
            archive(&[("pyodide/a.whl", b"a"), ("./pyodide/b.whl", b"bb"), ("pyodide/c.whl", b"c"), ("d.whl", b"d")]);
        assert_eq!(
            unpacked(&bytes, &["a.whl", "b.whl", "d.whl"], 2),
            (vec!["a.whl: a".into(), "b.whl: bb".into(), "d.whl: d".into()], None)
        );
        assert_eq!(unpacked(&bytes, &["a.whl", "none.whl"], 2), (vec!["a.whl: a".into()], None));
        // Archives that were packed in parallel are several streams.
        let mut two = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        two.write_all(b"rubbish after the end").unwrap();
        bytes.extend(two.finish().unwrap());
        assert_eq!(unpacked(&bytes, &["c.whl"], 2), (vec!["c.whl: c".into()], None));
    }

    #[test]
    fn what_leads_elsewhere_is_not_the_file() {
        let files: &[(&str, &[u8])] = &[
            ("../a.whl", b"x"),
            ("/a.whl", b"x"),
            ("pyodide/../a.whl", b"x"),
            ("pyodide/deep/a.whl", b"x"),
            ("pyodide/.a.whl", b"x"),
        ];
        assert_eq!(unpacked(&archive(files), &["a.whl"], 9), (vec![], None));
    }

    #[test]
    fn a_link_of_the_name_is_not_the_file() {
        let mut builder = ::tar::Builder::new(bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast()));
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(::tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "pyodide/a.whl", "/etc/passwd").unwrap();
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        assert_eq!(unpacked(&bytes, &["a.whl"], 9), (vec![], None));
    }

    #[test]
    fn names_that_are_too_long_for_a_header_are_read() {
        let long = format!("{}-1.0-py3-none-any.whl", "a".repeat(120));
        let mut builder = ::tar::Builder::new(bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast()));
        let mut header = ::tar::Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, format!("pyodide/{long}"), &b"a"[..]).unwrap();
        let pax = [("path", format!("pyodide/b{long}"))];
        builder.append_pax_extensions(pax.iter().map(|(key, value)| (*key, value.as_bytes()))).unwrap();
        builder.append_data(&mut header, "pyodide/short", &b"b"[..]).unwrap();
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        let expected = vec![format!("{long}: a"), format!("b{long}: b")];
        assert_eq!(unpacked(&bytes, &[&long, &format!("b{long}")], 9), (expected, None));
    }

    #[test]
    fn what_is_cut_off_spoils_nothing_before_it_and_what_is_too_long_is_refused() {
        let noise = larder_test_server::noise(1, 300_000);
        let bytes = archive(&[("pyodide/a.whl", b"a"), ("pyodide/b.whl", &noise)]);
        let (found, problem) = unpacked(&bytes[..bytes.len() - 150_000], &["a.whl", "b.whl"], 1 << 20);
        assert!(found.is_empty() || found == ["a.whl: a"], "{found:?}");
        assert!(problem.is_some());
        let (_, problem) = unpacked(&bytes, &["b.whl"], 299_999);
        assert_eq!(problem.as_deref(), Some("more bytes in one file than a release has"));
        assert!(unpacked(b"BZh9 and no more", &["a.whl"], 9).1.is_some());
    }
}
