//! [`Versions`]: which version of a repository has which plan. Pure.

use crate::share::oci::reference::{DEFAULT_TAG, PLAN, Reference, Version};

/// The versions that a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// One, whatever plan it is of.
    One(Version),
    /// One of each plan: this tag with the plan's digest in the place of `{plan}`.
    ByPlan(String),
}

impl Versions {
    /// Those of a text that was read as this reference.
    pub(super) fn of(text: &str, reference: &Reference) -> Self {
        match (&reference.version, text.rsplit_once(':')) {
            (Version::Tag(_), Some((_, tag))) if tag.contains(PLAN) => Self::ByPlan(tag.to_owned()),
            (version, _) => Self::One(version.clone()),
        }
    }

    /// The version of a plan.
    pub(super) fn version(&self, plan: &str) -> Version {
        match self {
            Self::One(version) => version.clone(),
            Self::ByPlan(template) => Version::Tag(template.replace(PLAN, plan)),
        }
    }

    /// What stands in the plan's place in the version that was written last.
    pub(super) const fn last(&self) -> Option<&'static str> {
        match self {
            Self::One(_) => None,
            Self::ByPlan(_) => Some(DEFAULT_TAG),
        }
    }

    /// The plan that a tag is of: a tag that fits otherwise is somebody's own.
    pub(super) fn plan_of<'a>(&self, tag: &'a str) -> Option<&'a str> {
        let Self::ByPlan(template) = self else { return None };
        let start = template.find(PLAN)?;
        let plan = tag.get(start..start + 64)?;
        let is_digest = plan.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
        (is_digest && template.replace(PLAN, plan) == tag).then_some(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(text: &str) -> Versions {
        Versions::of(text, &Reference::parse_for_any_plan(text).unwrap())
    }

    #[test]
    fn a_tag_with_the_plan_in_it_is_another_for_each_plan() {
        let plan = "0123456789abcdef".repeat(4);
        for (text, template) in [
            ("oci://registry.example/app:{plan}", "{plan}"),
            ("oci://registry.example:5000/app:deps-{plan}-v1", "deps-{plan}-v1"),
        ] {
            let versions = versions(text);
            let tag = template.replace(PLAN, &plan);
            assert_eq!(versions.version(&plan), Version::Tag(tag.clone()));
            assert_eq!(versions.plan_of(&tag), Some(plan.as_str()));
            let last = versions.version(versions.last().unwrap());
            assert_eq!(last, Version::Tag(template.replace(PLAN, "latest")));
            for other in ["", "latest", "v1", &tag[1..], &format!("{tag}1"), &tag.to_uppercase(), &"ä".repeat(64)] {
                assert_eq!(versions.plan_of(other), None, "{other}");
            }
        }
    }

    #[test]
    fn another_reference_is_one_version() {
        let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (text, expected) in [
            ("oci://registry.example:5000/app".to_owned(), Version::Tag("latest".to_owned())),
            ("oci://registry.example/app:v1".to_owned(), Version::Tag("v1".to_owned())),
            (format!("oci://registry.example/app:{{plan}}@{digest}"), Version::Digest(digest.parse().unwrap())),
        ] {
            let versions = versions(&text);
            assert_eq!((versions.version("x"), versions.last()), (expected, None), "{text}");
            assert_eq!(versions.plan_of("x"), None);
        }
    }
}
