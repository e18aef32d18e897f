//! Bytes of this machine into a sink, checked like any other: a folder or an archive may be a source of distribution files.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use bytes::Bytes;
use url::Url;

use crate::http::{DownloadError, Event, FinishError, Progress, RedactedUrl, Sink};

/// Bytes read at once.
const BATCH: usize = 128 << 10;

/// Copies the file at a `file:` address.
pub(super) fn copy<S: Sink>(url: &Url, sink: S, progress: &dyn Progress) -> Result<S::Done, DownloadError> {
    let path = url.to_file_path().unwrap_or_else(|()| PathBuf::from(url.path()));
    let unread = |source| DownloadError::File { path: path.clone(), source };
    let file = File::open(&path).map_err(unread)?;
    let total = file.metadata().map_err(unread)?.len();
    pour((file, total), unread, url, sink, progress)
}

/// Copies what `source` gives, so many bytes, which are those of `url`.
pub(super) fn pour<S: Sink>(
    (mut source, total): (impl Read, u64),
    unread: impl Fn(io::Error) -> DownloadError,
    url: &Url,
    mut sink: S,
    progress: &dyn Progress,
) -> Result<S::Done, DownloadError> {
    let shown = || RedactedUrl::new(url);
    let unkept = |source| DownloadError::Sink { url: shown(), source };
    progress.event(Event::Started { offset: 0, total: Some(total) });
    sink.begin(0, None).map_err(unkept)?;
    let mut len = 0;
    let mut buffer = vec![0; BATCH];
    loop {
        let read = source.read(&mut buffer).map_err(&unread)?;
        if read == 0 {
            break;
        }
        len += read as u64;
        progress.event(Event::Received(read as u64));
        sink.write(&[Bytes::copy_from_slice(&buffer[..read])]).map_err(unkept)?;
    }
    match sink.finish() {
        Ok(done) => {
            progress.event(Event::Finished { len });
            Ok(done)
        }
        Err(FinishError::Sink(source) | FinishError::Unwanted(source)) => Err(unkept(source)),
        Err(FinishError::Mismatch { expected, actual }) => {
            Err(DownloadError::Mismatch { url: shown(), expected, actual })
        }
    }
}
