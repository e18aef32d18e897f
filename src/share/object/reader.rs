//! A blob's bytes from an object store, for a thread that may wait; continued where they break off.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use larder_store::{import::RefusalReason, receipt::Receipt, seed};
use object_store::path::Path;

use super::{
    engine::{Body, Connection},
    error::{ObjectError, ObjectFault},
};

/// How often a body is asked for again that broke off.
const MOST_RESUMES: u32 = 5;

pub(super) struct ObjectReader<'a> {
    connection: &'a Connection,
    name: String,
    path: Path,
    size: u64,
    /// Bytes that have come.
    at: u64,
    body: Body,
    piece: Bytes,
    resumes: u32,
}

impl<'a> ObjectReader<'a> {
    pub(super) fn open(connection: &'a Connection, receipt: &Receipt) -> Result<Self, RefusalReason> {
        let name = seed::blob_path(&receipt.blob);
        let path = connection.path(&name);
        match connection.block_on(connection.body(&path, 0)) {
            Ok(body) => {
                let (at, piece, resumes) = (0, Bytes::new(), 0);
                Ok(Self { connection, name, path, size: receipt.size, at, body, piece, resumes })
            }
            Err(ObjectFault::NotFound) => Err(RefusalReason::Missing),
            Err(fault) => Err(RefusalReason::Unread(io::Error::other(connection.error(format!("read {name}"), fault)))),
        }
    }

    fn error(&self, fault: impl Into<ObjectFault>) -> ObjectError {
        self.connection.error(format!("read {}", self.name), fault)
    }

    /// The next piece; empty at the end. Fewer bytes than there are to be are a body that broke off.
    fn next(&mut self) -> Result<Bytes, ObjectError> {
        loop {
            let failed = match self.connection.block_on(self.connection.piece(&mut self.body)) {
                Ok(Some(piece)) => return Ok(piece),
                Ok(None) if self.at >= self.size => return Ok(Bytes::new()),
                Ok(None) => ObjectFault::Length { expected: self.size, actual: self.at },
                Err(fault) => fault,
            };
            self.resumes += 1;
            if self.resumes > MOST_RESUMES {
                return Err(self.error(failed));
            }
            self.body = self
                .connection
                .block_on(self.connection.body(&self.path, self.at))
                .map_err(|fault| self.error(fault))?;
        }
    }
}

impl Read for ObjectReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.piece = self.next().map_err(io::Error::other)?;
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        self.at += count as u64;
        Ok(count)
    }
}
