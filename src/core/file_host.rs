//! [`FilePlace`]: the location of a file that a Python package index lists, in a form that is the same with and without a mirror.
//!
//! The public index serves its files from a host of their own. A file's path on that host never changes, and mirrors keep it. So `larder.lock` names such a file by its
//! path, and the host is chosen when the file is requested.

use std::{fmt, sync::Arc};

use url::Url;

use crate::core::endpoints;

/// The path of a file below a file host, as addresses write it: `packages/ab/cd/black-26.5.1-py3-none-any.whl`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Arc<str>);

impl FilePath {
    /// Checks a path: put after an address that ends with a slash, it gives the file below it, and nothing else. What is wrong comes back in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let base = Url::parse("https://host.example/below/").expect("a constant address is one");
        if text.is_empty() || text.ends_with('/') {
            return Err("a path that names no file");
        }
        if text.contains(['?', '#']) {
            return Err("a path with a query or a fragment");
        }
        // Dots in any spelling, a scheme, a host, a backslash and what has to be escaped all come out as another text.
        match base.join(text) {
            Ok(url) if url.as_str() == format!("{base}{text}") && !text.contains("//") => Ok(Self(text.into())),
            _ => Err("a path that does not lead below a file host"),
        }
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file's address below `base`, which ends with a slash.
    fn below(&self, base: &Url) -> Url {
        base.join(&self.0).expect("a path that was checked")
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a file of an index is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FilePlace {
    /// On the public index's file host, and on each mirror of it.
    Hosted(FilePath),
    /// At an address of its own.
    Url(Url),
}

/// The path or the address.
impl fmt::Display for FilePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosted(path) => path.fmt(f),
            Self::Url(url) => url.fmt(f),
        }
    }
}

/// The file host that is asked: the public one, or a mirror in its place.
#[derive(Clone, Debug)]
pub struct FileHost {
    public: Url,
    mirror: Option<Url>,
}

impl FileHost {
    /// The mirror at this address, which ends with a slash; the public host without one.
    pub fn new(mirror: Option<&Url>) -> Self {
        let public = Url::parse(endpoints::PYTHON_FILES).expect("a constant address is one");
        Self { public, mirror: mirror.cloned() }
    }

    /// The place of a file that an index lists at this address. User name, password, query and fragment have no place in it.
    pub fn place_of(&self, url: &Url) -> FilePlace {
        let mut url = crate::core::redacted::without_userinfo(url);
        url.set_query(None);
        url.set_fragment(None);
        let bases = self.mirror.iter().chain([&self.public]);
        let path = bases
            .filter_map(|base| url.as_str().strip_prefix(base.as_str()))
            .find_map(|path| FilePath::parse(path).ok());
        path.map_or(FilePlace::Url(url), FilePlace::Hosted)
    }

    /// Where a file is asked for.
    pub fn address_of(&self, place: &FilePlace) -> Url {
        match place {
            FilePlace::Hosted(path) => path.below(self.mirror.as_ref().unwrap_or(&self.public)),
            FilePlace::Url(url) => url.clone(),
        }
    }

    /// Leads an address that an index lists on the public host to the mirror, if there is one.
    pub fn redirect(&self, url: &mut Url) {
        if self.mirror.is_some() && url.as_str().starts_with(self.public.as_str()) {
            *url = self.address_of(&self.place_of(url));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "packages/ab/cd/a-1.0+b-py3-none-any.whl";

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn redirected(host: &FileHost, url: &Url) -> Url {
        let mut url = url.clone();
        host.redirect(&mut url);
        url
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for text in [PATH, "a.whl", "a%2Bb.whl", "a!b.whl"] {
            assert_eq!(FilePath::parse(text).map(|path| path.to_string()), Ok(text.to_owned()));
        }
        let cases = [
            "",
            "/",
            "a/",
            "/a",
            "//a",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/./b",
            "a/%2e%2E/b",
            "a\\b",
            "a?b",
            "a#b",
            "https://x/a",
            "x:a",
            "a b",
            "a\tb",
            "ä",
        ];
        for text in cases {
            assert!(FilePath::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_of_the_public_host_has_one_place_whoever_lists_it() {
        let mirror = url("https://mirror.example/files/");
        let place = FilePlace::Hosted(FilePath::parse(PATH).unwrap());
        let public = url(&format!("{}{PATH}", endpoints::PYTHON_FILES));
        let mirrored = url(&format!("https://mirror.example/files/{PATH}"));
        let (plain, behind) = (FileHost::new(None), FileHost::new(Some(&mirror)));
        let listed = url(&format!("{public}?token=secret#sha256=00"));
        assert_eq!(
            (plain.place_of(&listed), behind.place_of(&listed), behind.place_of(&mirrored)),
            (place.clone(), place.clone(), place.clone())
        );
        assert_eq!((plain.address_of(&place), behind.address_of(&place)), (public.clone(), mirrored.clone()));
        assert_eq!((redirected(&plain, &public), redirected(&behind, &public)), (public, mirrored.clone()));
        let signed = url(&format!("{mirrored}?signature=1"));
        assert_eq!(redirected(&behind, &signed), signed);
    }

    #[test]
    fn a_file_of_another_host_keeps_its_address() {
        let mirror = url("https://mirror.example/files/");
        let behind = FileHost::new(Some(&mirror));
        for text in [
            "https://other.example/packages/a.whl",
            "https://mirror.example/a.whl",
            "https://mirror.example/files//a.whl",
        ] {
            assert_eq!(behind.place_of(&url(text)), FilePlace::Url(url(text)));
            assert_eq!(redirected(&behind, &url(text)), url(text));
        }
        let secret = url("https://me:secret@other.example/a.whl?token=1");
        assert_eq!(behind.place_of(&secret), FilePlace::Url(url("https://other.example/a.whl")));
    }
}
