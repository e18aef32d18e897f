//! [`Runtime`]: one release of Pyodide as the target environment of a resolution.

use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};

use super::tags::Tags;
use crate::core::runtime_version::RuntimeVersion;

/// One release of Pyodide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    version: RuntimeVersion,
    python: Version,
    platform: Box<str>,
    abi_version: Option<Box<str>>,
}

/// Why a release cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// The lock's Python is none that packages can be chosen for.
    #[error("Pyodide {version} states the Python version `{}`, which larder does not support", python.escape_debug())]
    Python {
        /// The release.
        version: RuntimeVersion,
        /// What is stated.
        python: String,
    },
    /// The lock's platform is not Emscripten.
    #[error("Pyodide {version} states the platform `{}`; larder supports `emscripten_X_Y_Z`", platform.escape_debug())]
    Platform {
        /// The release.
        version: RuntimeVersion,
        /// What is stated.
        platform: String,
    },
    /// The lock's ABI is no name of one.
    #[error("Pyodide {version} states the ABI `{}`; larder supports names such as `2025_0`", abi_version.escape_debug())]
    Abi {
        /// The release.
        version: RuntimeVersion,
        /// What is stated.
        abi_version: String,
    },
}

impl Runtime {
    /// A release from what the `info` of its lock says: `python` (`3.13.2`), `platform` (`emscripten_4_0_9`) and, since 0.26, `abi_version` (`2025_0`).
    pub fn new(
        version: RuntimeVersion,
        python: &str,
        platform: &str,
        abi_version: Option<&str>,
    ) -> Result<Self, RuntimeError> {
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let parsed = python.parse::<Version>().ok().filter(|python| python.release().len() > 1);
        let Some(parsed) = parsed.filter(|python| python.release()[0] == 3 && python.release()[1] < 100) else {
            return Err(RuntimeError::Python { version, python: python.to_owned() });
        };
        if !is_word(platform) || platform.strip_prefix("emscripten_").is_none_or(str::is_empty) {
            return Err(RuntimeError::Platform { version, platform: platform.to_owned() });
        }
        if let Some(abi_version) = abi_version.filter(|abi| abi.is_empty() || !is_word(abi)) {
            return Err(RuntimeError::Abi { version, abi_version: abi_version.to_owned() });
        }
        Ok(Self { version, python: parsed, platform: platform.into(), abi_version: abi_version.map(Into::into) })
    }

    /// The version of Pyodide.
    pub fn version(&self) -> &RuntimeVersion {
        &self.version
    }

    /// The version of Python, as the lock states it.
    pub fn python(&self) -> &Version {
        &self.python
    }

    /// `emscripten_4_0_9`.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// `2025_0`; releases before 0.26 have none.
    pub fn abi_version(&self) -> Option<&str> {
        self.abi_version.as_deref()
    }

    /// Which wheels it loads. Names of platforms that came later are accepted of earlier releases too: their loader looks at no tag.
    pub fn tags(&self) -> Tags {
        let of_abi = self.abi_version.iter().flat_map(|abi| {
            ["pyemscripten", "pyodide"].into_iter().map(move |platform| format!("{platform}_{abi}_wasm32"))
        });
        let platforms: Vec<String> = of_abi.chain([format!("{}_wasm32", self.platform)]).collect();
        Tags::new(self.python.release()[1], &platforms)
    }

    /// What environment markers see, as measured in the runtimes themselves.
    pub fn markers(&self) -> MarkerEnvironment {
        let full = self.python.to_string();
        let short = format!("3.{}", self.python.release()[1]);
        let release = self.platform.trim_start_matches("emscripten_").replace('_', ".");
        MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &full,
            os_name: "posix",
            platform_machine: "wasm32",
            platform_python_implementation: "CPython",
            platform_release: &release,
            platform_system: "Emscripten",
            platform_version: "#1",
            python_full_version: &full,
            python_version: &short,
            sys_platform: "emscripten",
        })
        .expect("versions that were parsed before")
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use pep508_rs::MarkerTree;

    use super::*;

    fn runtime(version: &str, python: &str, platform: &str, abi: Option<&str>) -> Result<Runtime, RuntimeError> {
        Runtime::new(RuntimeVersion::parse(version).unwrap(), python, platform, abi)
    }

    #[test]
    fn markers_see_the_runtime() {
        let markers = runtime("314.0.7", "3.14.2", "emscripten_5_0_3", Some("2026_0")).unwrap().markers();
        let cases = [
            ("sys_platform == 'emscripten' and platform_machine == 'wasm32'", true),
            ("platform_system == 'Emscripten' and os_name == 'posix'", true),
            ("python_version >= '3.14' and python_full_version == '3.14.2'", true),
            ("platform_release == '5.0.3' and implementation_name == 'cpython'", true),
            ("sys_platform == 'linux' or sys_platform == 'win32'", false),
            ("python_version < '3.14'", false),
            ("extra == 'test'", false),
        ];
        for (marker, expected) in cases {
            assert_eq!(MarkerTree::from_str(marker).unwrap().evaluate(&markers, &[]), expected, "{marker}");
        }
    }

    #[test]
    fn what_a_lock_cannot_mean_is_named() {
        let cases = [
            (("2.7.1", "emscripten_4_0_9", None), "states the Python version `2.7.1`"),
            (("three", "emscripten_4_0_9", None), "states the Python version `three`"),
            (("3.13.2", "linux", None), "states the platform `linux`"),
            (("3.13.2", "emscripten_4/..", None), "states the platform"),
            (("3.13.2", "emscripten_4_0_9", Some("")), "states the ABI ``"),
        ];
        for ((python, platform, abi), expected) in cases {
            let message = runtime("0.28.3", python, platform, abi).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn releases_without_an_abi_load_emscripten_wheels_alone() {
        let wheel = |tag: &str| super::super::wheel_name::WheelName::parse(&format!("a-1.0-{tag}.whl")).unwrap();
        let old = runtime("0.25.1", "3.11.3", "emscripten_3_1_46", None).unwrap().tags();
        assert!(old.rank(&wheel("cp311-cp311-emscripten_3_1_46_wasm32")).is_some());
        assert!(old.rank(&wheel("cp311-cp311-pyodide_2024_0_wasm32")).is_none());
        let new = runtime("0.28.3", "3.13.2", "emscripten_4_0_9", Some("2025_0")).unwrap().tags();
        for tag in ["pyemscripten_2025_0_wasm32", "pyodide_2025_0_wasm32", "emscripten_4_0_9_wasm32"] {
            assert!(new.rank(&wheel(&format!("cp313-cp313-{tag}"))).is_some(), "{tag}");
        }
    }
}
