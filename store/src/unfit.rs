//! [`Unfit`]: a foreign file type at one of the store's own paths, such as a link, a pipe, or a folder in place of a file.

use std::{fs::FileType, io, os::unix::fs::FileTypeExt as _};

/// What lies where the store has something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A symbolic link.
    #[error("a symbolic link")]
    Link,
    /// A folder.
    #[error("a folder")]
    Folder,
    /// A named pipe.
    #[error("a pipe")]
    Pipe,
    /// A socket.
    #[error("a socket")]
    Socket,
    /// A device.
    #[error("a device")]
    Device,
    /// A file in place of a folder.
    #[error("a file, and no folder")]
    File,
    /// A file that is written in place, and is another file too.
    #[error("a hard link to another file")]
    HardLink,
    /// A file that is too long to be read whole.
    #[error("longer than {0} bytes")]
    Long(u64),
}

impl Unfit {
    /// What a file is that is no plain one.
    pub(crate) fn of(kind: FileType) -> Option<Self> {
        if kind.is_file() {
            None
        } else if kind.is_symlink() {
            Some(Self::Link)
        } else if kind.is_dir() {
            Some(Self::Folder)
        } else if kind.is_fifo() {
            Some(Self::Pipe)
        } else if kind.is_socket() {
            Some(Self::Socket)
        } else {
            Some(Self::Device)
        }
    }

    /// The same as a system's error; [`Unfit::in_error`] gives it back.
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, self)
    }

    /// What an error that [`Unfit::into_io`] made says.
    pub(crate) fn in_error(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }
}
