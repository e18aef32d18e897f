//! `Content-Encoding` that nobody asked for: [`Encoding`] names it, [`Decoding`] undoes it in front of a sink, [`decoded`] for a document.
//!
//! Every request says `Accept-Encoding: identity`, and some reverse proxies compress all the same. Others put the header on a file that is
//! compressed by itself, as every tarball is, so the header alone proves nothing: the caller first takes the bytes as they are.

use std::{
    collections::HashSet,
    io::{self, Read as _, Write as _},
    sync::{Mutex, PoisonError},
};

use brotli_decompressor::{Decompressor, DecompressorWriter};
use bytes::Bytes;
use flate2::{
    read,
    write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder},
};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use url::{Origin, Url};

use super::{
    range::{ResumePoint, Validator},
    sink::{FinishError, Sink, SinkError},
};

/// Compressed bytes that are decoded at once. They become a thousand times as many at most: 4 MiB, before the limit is looked at.
const PIECE: usize = 4 << 10;

/// What a server did to a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Compressed in a way that can be undone here.
    Known(Coding),
    /// By a name that is not known here: `zstd`, several at once.
    Unknown(Box<str>),
}

/// A compression that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// `gzip`.
    Gzip,
    /// `deflate`: in a zlib frame as RFC 9110 has it, or bare as some servers send it.
    Deflate,
    /// `br`.
    Brotli,
}

impl Encoding {
    /// The encoding that a response states; `None` for the bytes as they are.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = String::from_utf8_lossy(headers.get(CONTENT_ENCODING)?.as_bytes()).trim().to_ascii_lowercase();
        match &*text {
            "" | "identity" => None,
            "gzip" | "x-gzip" => Some(Self::Known(Coding::Gzip)),
            "deflate" => Some(Self::Known(Coding::Deflate)),
            "br" => Some(Self::Known(Coding::Brotli)),
            _ => Some(Self::Unknown(text.chars().take(64).collect())),
        }
    }
}

/// The servers whose encoded bodies had to be decoded: the next body need not arrive twice.
#[derive(Default)]
pub(super) struct Encoders(Mutex<HashSet<Origin>>);

impl Encoders {
    pub(super) fn remember(&self, url: &Url) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url.origin());
    }

    pub(super) fn know(&self, url: &Url) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&url.origin())
    }
}

/// Why a body cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    /// The bytes are not what the header says.
    #[error("the body is not compressed as its Content-Encoding says")]
    Malformed,
    /// It becomes longer than is sane.
    #[error("the body becomes longer than {limit} bytes when it is decompressed")]
    TooLong {
        /// The most that is accepted, bytes.
        limit: u64,
        /// Bytes so far.
        actual: u64,
    },
}

/// A document without its encoding; `None` if the bytes are not encoded so, whatever the header says.
pub(super) fn decoded(coding: Coding, bytes: &[u8], limit: u64) -> Result<Option<Bytes>, DecodeError> {
    let mut decoded = Vec::new();
    let all = limit.saturating_add(1);
    let read = match coding {
        Coding::Gzip => read::MultiGzDecoder::new(bytes).take(all).read_to_end(&mut decoded),
        Coding::Deflate if is_zlib(bytes) => read::ZlibDecoder::new(bytes).take(all).read_to_end(&mut decoded),
        Coding::Deflate => read::DeflateDecoder::new(bytes).take(all).read_to_end(&mut decoded),
        Coding::Brotli => Decompressor::new(bytes, PIECE).take(all).read_to_end(&mut decoded),
    };
    match read {
        Ok(len) if len as u64 > limit => Err(DecodeError::TooLong { limit, actual: len as u64 }),
        Ok(_) => Ok(Some(decoded.into())),
        Err(error) => {
            tracing::debug!(%error, "a document is not encoded as its header says");
            Ok(None)
        }
    }
}

/// Whether deflated bytes are in a zlib frame: its first byte names the method, 8.
fn is_zlib(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0x0f == 8)
}

/// A sink behind a decoder, if there is one to be. Without one, everything passes through.
pub(super) struct Decoding<S> {
    sink: S,
    coding: Option<Coding>,
    limit: u64,
    decoder: Option<Decoder>,
    decoded: u64,
}

/// What a piece becomes. Unlike the others, brotli knows no bound of how many times as long that may be.
#[derive(Default)]
struct OfOnePiece(Vec<u8>);

/// Bytes that a piece of [`PIECE`] may become. 16 MiB.
const LONGEST_OF_PIECE: usize = 16 << 20;

impl io::Write for OfOnePiece {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST_OF_PIECE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Decoder {
    Brotli(Box<DecompressorWriter<OfOnePiece>>),
    Gzip(MultiGzDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Deflate(DeflateDecoder<Vec<u8>>),
}

impl<S> Decoding<S> {
    /// Takes at most `limit` decoded bytes.
    pub(super) fn new(sink: S, limit: u64) -> Self {
        Self { sink, coding: None, limit, decoder: None, decoded: 0 }
    }

    /// From the next `begin` on, bodies are compressed so, or, with `None`, taken as they are.
    pub(super) fn decode(&mut self, coding: Option<Coding>) {
        self.coding = coding;
    }
}

impl Decoder {
    fn new(coding: Coding, bytes: &[u8]) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(MultiGzDecoder::new(Vec::new())),
            Coding::Deflate if is_zlib(bytes) => Self::Zlib(ZlibDecoder::new(Vec::new())),
            Coding::Deflate => Self::Deflate(DeflateDecoder::new(Vec::new())),
            Coding::Brotli => Self::Brotli(Box::new(DecompressorWriter::new(OfOnePiece::default(), PIECE))),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let out = match self {
            Self::Gzip(decoder) => decoder.write_all(bytes).map(|()| decoder.get_mut()),
            Self::Zlib(decoder) => decoder.write_all(bytes).map(|()| decoder.get_mut()),
            Self::Deflate(decoder) => decoder.write_all(bytes).map(|()| decoder.get_mut()),
            Self::Brotli(decoder) => decoder.write_all(bytes).map(|()| &mut decoder.get_mut().0),
        };
        out.map(std::mem::take)
    }

    fn finish(mut self) -> io::Result<Vec<u8>> {
        match &mut self {
            Self::Gzip(decoder) => decoder.try_finish()?,
            Self::Zlib(decoder) => decoder.try_finish()?,
            Self::Deflate(decoder) => decoder.try_finish()?,
            // It ends where the stream does, and fails where that has not come.
            Self::Brotli(decoder) => decoder.close()?,
        }
        self.write(&[])
    }
}

impl<S: Sink> Decoding<S> {
    fn pass_on(&mut self, bytes: io::Result<Vec<u8>>) -> Result<(), SinkError> {
        let bytes = bytes.map_err(|error| {
            tracing::debug!(%error, "a body cannot be decoded");
            SinkError::new(DecodeError::Malformed)
        })?;
        self.decoded += bytes.len() as u64;
        if self.decoded > self.limit {
            return Err(SinkError::new(DecodeError::TooLong { limit: self.limit, actual: self.decoded }));
        }
        if bytes.is_empty() { Ok(()) } else { self.sink.write(&[bytes.into()]) }
    }
}

impl<S: Sink> Sink for Decoding<S> {
    type Done = S::Done;

    fn resume_point(&mut self) -> Result<Option<ResumePoint>, SinkError> {
        self.sink.resume_point()
    }

    fn begin(&mut self, offset: u64, validator: Option<&Validator>) -> Result<(), SinkError> {
        (self.decoder, self.decoded) = (None, 0);
        // What is decoded is no version of the file that the server could go on with.
        self.sink.begin(offset, validator.filter(|_| self.coding.is_none()))
    }

    fn write(&mut self, bytes: &[Bytes]) -> Result<(), SinkError> {
        let Some(coding) = self.coding else { return self.sink.write(bytes) };
        for piece in bytes.iter().flat_map(|bytes| bytes.chunks(PIECE)) {
            let decoded = self.decoder.get_or_insert_with(|| Decoder::new(coding, piece)).write(piece);
            self.pass_on(decoded)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<S::Done, FinishError> {
        if let Some(decoder) = self.decoder.take() {
            self.pass_on(decoder.finish())?;
        }
        self.sink.finish()
    }
}
