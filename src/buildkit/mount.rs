//! Which cache mount: what a Dockerfile says of it, and what makes it another one.

use std::{fmt, str::FromStr};

/// The `id=` of a cache mount. It is written into a Dockerfile, so it is made of letters, digits and `. _ - / : @ +`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountId(String);

/// A text that is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has letters, digits and . _ - / : @ + alone; write what a variable in it stands for")]
pub struct MountIdError;

impl FromStr for MountId {
    type Err = MountIdError;

    fn from_str(text: &str) -> Result<Self, MountIdError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@+".contains(&byte);
        if text.is_empty() || !text.bytes().all(is_plain) {
            return Err(MountIdError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What several builds may do with one mount at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// All use it, as a Dockerfile has it that says nothing.
    #[default]
    Shared,
    /// One after the other.
    Locked,
}

/// A cache mount as a Dockerfile names it. Where it is mounted does not count, if it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheMount {
    /// `id=`
    pub id: MountId,
    /// `sharing=`
    pub sharing: Sharing,
    /// `uid=`
    pub uid: Option<u32>,
    /// `gid=`
    pub gid: Option<u32>,
    /// `mode=`
    pub mode: Option<u32>,
}

impl CacheMount {
    /// The options of `--mount=type=cache` that lead to it, without the target.
    pub fn options(&self) -> String {
        let sharing = (self.sharing == Sharing::Locked).then(|| "sharing=locked".to_owned());
        let owners = [("uid", self.uid), ("gid", self.gid)];
        let owners = owners.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let mode = self.mode.map(|mode| format!("mode={mode:04o}"));
        let options: Vec<String> =
            [format!("id={}", self.id)].into_iter().chain(sharing).chain(owners).chain(mode).collect();
        options.join(",")
    }

    /// Whose files are in it, if not root's: `1000:1000`.
    pub fn owner(&self) -> Option<String> {
        let (uid, gid) = (self.uid.unwrap_or(0), self.gid.unwrap_or(0));
        ((uid, gid) != (0, 0)).then(|| format!("{uid}:{gid}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_change_the_dockerfile_that_it_is_written_into() {
        for text in ["larder", "/root/.cache/larder", "team-a.larder_2:x@y+z"] {
            assert_eq!(text.parse::<MountId>().map(|id| id.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "a,target=/", "a b", "a\nRUN x", "$ARCH", "a\"", "a'", "a\\", "ü", "a=b", "#"] {
            assert_eq!(text.parse::<MountId>(), Err(MountIdError), "{text:?}");
        }
    }

    #[test]
    fn only_what_was_named_is_among_the_options() {
        let plain =
            CacheMount { id: "larder".parse().unwrap(), sharing: Sharing::Shared, uid: None, gid: None, mode: None };
        assert_eq!((plain.options().as_str(), plain.owner()), ("id=larder", None));
        let zero = CacheMount { uid: Some(0), ..plain.clone() };
        assert_eq!((zero.options().as_str(), zero.owner()), ("id=larder,uid=0", None));
        let all = CacheMount { sharing: Sharing::Locked, uid: Some(1000), gid: Some(50), mode: Some(0o700), ..plain };
        assert_eq!(all.options(), "id=larder,sharing=locked,uid=1000,gid=50,mode=0700");
        assert_eq!(all.owner().as_deref(), Some("1000:50"));
    }
}
