//! wget's file for one run: the user's own, and the certificates and the proxy of the run after it. wget has no variable for certificates.

use std::path::{Path, PathBuf};

use crate::commands::context::Context;

/// The variable that names wget's file, in place of the one in the home folder.
pub(super) const WGETRC: &str = "WGETRC";

/// What stands in the file. `all` has all certificates that are trusted, and the proxy is that for https.
pub(super) fn text(all: &Path, proxy: Option<&str>, context: &Context<'_>) -> Vec<u8> {
    let named = context.environment.variable_os("WGETRC").filter(|file| !file.is_empty()).map(PathBuf::from);
    let of_user = named.or_else(|| Some(context.environment.home()?.join(".wgetrc")));
    let of_user = of_user.map(|file| context.environment.current_dir().join(file));
    let mut text = of_user.and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
    text.extend_from_slice(b"\nca_certificate = ");
    text.extend_from_slice(all.as_os_str().as_encoded_bytes());
    if let Some(proxy) = proxy {
        text.extend_from_slice(format!("\nuse_proxy = on\nhttps_proxy = {proxy}").as_bytes());
    }
    text.push(b'\n');
    text
}
