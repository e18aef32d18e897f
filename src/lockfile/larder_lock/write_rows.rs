//! The text of a `larder.lock`'s downloads and absences.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    download::{RecordedAbsence, RecordedContent, RecordedDownload, RecordedLibc},
    lock::LarderLock,
    write::{Writer, quoted_with},
};

impl Writer {
    /// All of them, each kind sorted by address, whatever order they are in.
    pub(super) fn rows(&mut self, lock: &LarderLock) {
        let mut downloads: Vec<&RecordedDownload> = lock.downloads.iter().collect();
        downloads.sort_by_key(|download| &download.url);
        for download in downloads {
            self.download(download);
        }
        let mut absences: Vec<&RecordedAbsence> = lock.absent.iter().collect();
        absences.sort_by_key(|absence| &absence.url);
        for absence in absences {
            self.absence(absence);
        }
    }

    fn download(&mut self, download: &RecordedDownload) {
        self.head("[[download]]");
        self.text("url", &download.url);
        self.text("sha256", download.content.sha256().to_hex());
        self.raw("size", download.content.size());
        self.optional("content_type", download.content_type.as_ref());
        let platform = &download.platform;
        self.optional("os", platform.os.as_ref());
        self.optional("cpu", platform.cpu.as_ref());
        self.optional("libc", platform.libc.map(RecordedLibc::name));
        if let Some(abi) = platform.abi {
            self.raw("abi", abi);
        }
        self.list("by", &download.by);
        self.text("trust", download.trust.name());
        if let RecordedContent::Inline(body) = &download.content {
            match str::from_utf8(body.as_bytes()) {
                Ok(text) => self.raw("body", quoted_body(text)),
                Err(_) => self.text("body_base64", BASE64_STANDARD.encode(body.as_bytes())),
            }
        }
    }

    fn absence(&mut self, absence: &RecordedAbsence) {
        self.head("[[absent]]");
        self.text("url", &absence.url);
        self.raw("status", absence.status.code());
        self.list("by", &absence.by);
    }
}

/// A basic string of TOML in one line: an editor or git that changes the ends of lines does not change the answer.
fn quoted_body(text: &str) -> String {
    quoted_with(text, |c| match c {
        '\n' => Some("\\n"),
        '\r' => Some("\\r"),
        '\t' => Some("\\t"),
        _ => None,
    })
}
