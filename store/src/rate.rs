//! How fast registries gave what was downloaded last: derived data in `rate.json`, so that who takes files from elsewhere can say whether that is worth it.

use serde::{Deserialize, Serialize};

use crate::{atomic_file, error::StoreError, layout::Layout, open, overlay::Overlay, writable::Writable};

/// No file is as long: bytes.
const MOST_BYTES: u64 = 4 << 10;

/// A download of many files, as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct DownloadRate {
    /// Bytes that came.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
}

impl DownloadRate {
    /// Bytes a second; `None` if that cannot be said.
    pub fn bytes_a_second(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.bytes as f64 / self.seconds;
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }
}

/// What was noted last.
pub(crate) fn read(store: &Overlay) -> Option<DownloadRate> {
    let read = |layout: &Layout| serde_json::from_slice(&open::read_whole(&layout.rate(), MOST_BYTES).ok()?).ok();
    store.layouts().find_map(read)
}

/// Notes one, in place of the last.
pub(crate) fn write(store: Writable<'_>, rate: DownloadRate) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec(&rate).expect("two numbers can be written");
    atomic_file::write(store.layout(), &store.layout().rate(), &bytes)
}
