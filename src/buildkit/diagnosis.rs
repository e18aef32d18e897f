//! Why a build failed, from what Docker's client says. It has one exit code for everything.

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    /// The client has no `buildx`.
    NoBuildx,
    /// `buildx` or the builder is older than named contexts.
    TooOld,
    /// Nobody answers.
    NoDaemon,
    /// There is no builder of that name.
    NoBuilder,
    /// The builder cannot run a binary of that platform.
    OtherPlatform,
    /// Anything else.
    Unknown,
}

/// Texts that stand together, and what they mean; the first that are found count.
const SIGNS: [(&[&str], Diagnosis); 11] = [
    (&["is not a docker command"], Diagnosis::NoBuildx),
    (&["unknown command: docker buildx"], Diagnosis::NoBuildx),
    // Without the plugin, the client reads its options as its own.
    (&["unknown flag: --progress"], Diagnosis::NoBuildx),
    (&["unknown flag: --build-context"], Diagnosis::TooOld),
    // It looks for an image of the context's name.
    (&["load metadata for", "library/larder-"], Diagnosis::TooOld),
    (&["no builder \""], Diagnosis::NoBuilder),
    (&["Cannot connect to the Docker daemon"], Diagnosis::NoDaemon),
    (&["failed to connect to the docker API"], Diagnosis::NoDaemon),
    (&["error during connect"], Diagnosis::NoDaemon),
    (&["permission denied while trying to connect"], Diagnosis::NoDaemon),
    (&["exec format error"], Diagnosis::OtherPlatform),
];

/// Reads what the client wrote.
pub(crate) fn diagnose(said: &str) -> Diagnosis {
    let found = SIGNS.iter().find(|(signs, _)| signs.iter().all(|sign| said.contains(sign)));
    found.map_or(Diagnosis::Unknown, |(_, diagnosis)| *diagnosis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_fail_is_known_by_what_the_client_says() {
        let cases = [
            ("docker: 'buildx' is not a docker command.\nSee 'docker --help'", Diagnosis::NoBuildx),
            ("docker: unknown command: docker buildx\n\nRun 'docker --help' for more information", Diagnosis::NoBuildx),
            ("unknown flag: --progress\nUsage:  docker [OPTIONS] COMMAND [ARG...]", Diagnosis::NoBuildx),
            ("unknown flag: --build-context\nSee 'docker buildx build --help'.", Diagnosis::TooOld),
            ("ERROR: no builder \"nope\" found", Diagnosis::NoBuilder),
            (
                "ERROR: Cannot connect to the Docker daemon at unix:///nope.sock. Is the docker daemon running?",
                Diagnosis::NoDaemon,
            ),
            ("#6 0.1 exec /binary/larder: exec format error\n------", Diagnosis::OtherPlatform),
            ("#2 [internal] load metadata for registry.example/library/larder-binary:latest", Diagnosis::TooOld),
            ("#2 [internal] load metadata for registry.example/library/node:latest", Diagnosis::Unknown),
            ("ERROR: failed to solve: no space left on device", Diagnosis::Unknown),
        ];
        for (said, diagnosis) in cases {
            assert_eq!(diagnose(said), diagnosis, "{said}");
        }
    }
}
