//! The throw-away build as text.

use super::mount::CacheMount;

/// The build argument that makes the step run: of another value each time.
pub(crate) const NONCE: &str = "LARDER_NONCE";
/// The named context with the binary. It keeps its name, so that a builder that has the file is not sent it again.
pub(crate) const BINARY_CONTEXT: &str = "larder-binary";
/// The binary's name in that context.
pub(crate) const BINARY: &str = "larder";
/// The named context with what the host gives.
pub(crate) const REQUEST_CONTEXT: &str = "larder-request";
/// The empty folder in it, for a step that is not root's: nobody else can give it a folder to write in.
pub(crate) const EMPTY: &str = "empty";
/// The folder with what the step gives, below what the build exports.
pub(crate) const ANSWER: &str = "answer";

/// What the step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Reports what the mount lacks.
    Ask,
    /// Imports what the host gives into the mount.
    Import,
    /// Exports what the host lacks out of the mount.
    Export,
}

impl Job {
    /// Its name on the command line of the larder inside, which may be of another version.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Import => "take-in",
            Self::Export => "hand-out",
        }
    }
}

/// The Dockerfile of a job on a mount.
pub(crate) fn dockerfile(job: Job, mount: &CacheMount) -> String {
    let name = job.name();
    let options = mount.options();
    let owner = mount.owner().map_or_else(String::new, |owner| {
        format!("COPY --from={REQUEST_CONTEXT} --chown={owner} {EMPTY} /{ANSWER}\nUSER {owner}\n")
    });
    format!(
        "FROM scratch\n\
         ARG {NONCE}\n\
         {owner}\
         RUN --network=none \
         --mount=type=bind,from={BINARY_CONTEXT},target=/binary \
         --mount=type=bind,from={REQUEST_CONTEXT},target=/request \
         --mount=type=cache,{options},target=/store \
         [\"/binary/{BINARY}\", \"--store\", \"/store\", \"buildkit\", \"inside\", \"{name}\", \"/request\", \"/{ANSWER}\"]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buildkit::mount::Sharing;

    fn mount(uid: Option<u32>) -> CacheMount {
        CacheMount { id: "larder".parse().unwrap(), sharing: Sharing::Shared, uid, gid: None, mode: None }
    }

    #[test]
    fn one_step_runs_the_binary_on_the_mount_and_needs_no_image() {
        assert_eq!(
            dockerfile(Job::Import, &mount(None)),
            "FROM scratch\nARG LARDER_NONCE\n\
             RUN --network=none --mount=type=bind,from=larder-binary,target=/binary \
             --mount=type=bind,from=larder-request,target=/request --mount=type=cache,id=larder,target=/store \
             [\"/binary/larder\", \"--store\", \"/store\", \"buildkit\", \"inside\", \"take-in\", \"/request\", \"/answer\"]\n"
        );
    }

    #[test]
    fn a_mount_of_another_user_is_worked_on_as_that_user() {
        let text = dockerfile(Job::Ask, &mount(Some(1000)));
        assert!(text.contains("COPY --from=larder-request --chown=1000:0 empty /answer\nUSER 1000:0\nRUN "), "{text}");
        assert!(text.contains("type=cache,id=larder,uid=1000,target="), "{text}");
    }
}
