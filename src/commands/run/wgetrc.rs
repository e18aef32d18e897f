//! wget's file for one run: the user's own, and the certificates and the proxy of the run after it. wget has no variable for certificates.

use std::path::{Path, PathBuf};

use crate::core::environment::Environment;

/// The variable that names wget's file, in place of the one in the home folder.
pub(super) const WGETRC: &str = "WGETRC";

/// What stands in the file. `all` has all certificates that are trusted, and the proxy is that for https.
pub(super) fn text(all: &Path, proxy: Option<&str>, environment: &Environment) -> Vec<u8> {
    let named = environment.variable_os("WGETRC").filter(|file| !file.is_empty()).map(PathBuf::from);
    let of_user = named.or_else(|| Some(environment.home()?.join(".wgetrc")));
    let of_user = of_user.map(|file| environment.current_dir().join(file));
    let mut text = of_user.and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
    text.extend_from_slice(b"\nca_certificate = ");
    text.extend_from_slice(all.as_os_str().as_encoded_bytes());
    if let Some(proxy) = proxy {
        text.extend_from_slice(format!("\nuse_proxy = on\nhttps_proxy = {proxy}").as_bytes());
    }
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_lines_come_first_and_those_of_the_run_count() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".wgetrc"), "https_proxy = http://own.example:1").unwrap();
        std::fs::write(folder.path().join("named"), "quiet = on\n").unwrap();
        let text = |variables: &[(&str, &str)], proxy| {
            let home = [("HOME", folder.path().to_str().unwrap())];
            let environment = Environment::new(folder.path(), home.iter().chain(variables).copied());
            String::from_utf8(super::text(Path::new("/all.pem"), proxy, &environment)).unwrap()
        };
        let by_proxy = "https_proxy = http://own.example:1\nca_certificate = /all.pem\nuse_proxy = on\nhttps_proxy = http://p.example:2\n";
        assert_eq!(text(&[], Some("http://p.example:2")), by_proxy);
        assert_eq!(text(&[("WGETRC", "named")], None), "quiet = on\n\nca_certificate = /all.pem\n");
        assert_eq!(text(&[("WGETRC", "missing")], None), "\nca_certificate = /all.pem\n");
    }
}
