//! The builder: runs the builds of one command, in a folder with what they need.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use larder_store::Store;

use super::error::BuildkitError;
use crate::{
    buildkit::{
        docker::Build,
        dockerfile::{ANSWER, BINARY, EMPTY, Job, dockerfile},
        executable::Executable,
        mount::CacheMount,
        protocol::{Report, read_report},
    },
    cli::buildkit::BuilderMount,
    commands::{
        context::Context,
        error::{CommandError, ScratchError},
    },
    core::{interrupt::Interrupt, scratch::Scratch},
};

/// What the folders are called.
const PREFIX: &str = "larder-buildkit-";
const DOCKERFILE_FOLDER: &str = "dockerfile";
const BINARY_FOLDER: &str = "binary";
const REQUEST_FOLDER: &str = "request";
const OUTPUT_FOLDER: &str = "output";

/// The binary that runs inside.
pub(super) struct Binary {
    path: PathBuf,
    pub(super) executable: Executable,
}

impl Binary {
    /// The one that was named, or this program.
    pub(super) fn of(mount: &BuilderMount, context: &Context<'_>) -> Result<Self, BuildkitError> {
        let own = || context.environment.executable().map(Path::to_owned);
        let path = mount.binary.clone().or_else(own).ok_or(BuildkitError::NoBinary)?;
        Ok(Self { executable: Executable::read_static(&path)?, path })
    }

    /// With the time of the original: a builder that has the file compares names, lengths, modes and times, and is not sent it again.
    fn copy_to(&self, target: &Path) -> io::Result<()> {
        fs::copy(&self.path, target)?;
        let times = fs::FileTimes::new().set_modified(fs::metadata(&self.path)?.modified()?);
        File::options().write(true).open(target)?.set_times(times)?;
        fs::set_permissions(target, Permissions::from_mode(0o755))
    }
}

/// Runs builds on one mount.
pub(super) struct Builder<'a> {
    name: Option<&'a str>,
    mount: CacheMount,
    binary: Binary,
    interrupt: Interrupt,
    scratch: Scratch,
    /// Random letters of the scratch folder's name.
    nonce: String,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        mount: &'a BuilderMount,
        binary: Binary,
        store: &Store,
        context: &Context<'_>,
        interrupt: Interrupt,
    ) -> Result<Self, CommandError> {
        // On the store's own filesystem, so that blobs can be linked.
        let temporary = || context.environment.variable_os("TMPDIR").filter(|folder| !folder.is_empty());
        let parent = store.scratch_parent();
        let parent = parent.unwrap_or_else(|| temporary().unwrap_or("/tmp".as_ref()).into());
        // The client runs in another folder.
        let parent = context.environment.current_dir().join(parent);
        let unusable = |source| ScratchError { folder: parent.clone(), source };
        let scratch = fs::create_dir_all(&parent).and_then(|()| Scratch::new(&parent, PREFIX)).map_err(unusable)?;
        // A client that outlives a killed larder still reads it.
        scratch.share_with_children().map_err(unusable)?;
        let folder = scratch.path().join(BINARY_FOLDER);
        fs::create_dir(&folder).and_then(|()| binary.copy_to(&folder.join(BINARY))).map_err(unusable)?;
        let name = scratch.path().file_name().unwrap_or_default().to_string_lossy();
        let nonce = name.trim_start_matches(PREFIX).to_owned();
        Ok(Self { name: mount.builder.as_deref(), mount: mount.cache_mount(), binary, interrupt, scratch, nonce })
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.interrupt.came()
    }

    /// Makes the folder for what the next job is given; that of the job before is removed.
    pub(super) fn request(&self) -> Result<PathBuf, CommandError> {
        let folder = self.scratch.path().join(REQUEST_FOLDER);
        make_anew(&folder).and_then(|()| fs::create_dir(folder.join(EMPTY))).map_err(|error| self.unusable(error))?;
        Ok(folder)
    }

    /// Runs a job. Gives its report, and the folder with what else it answers.
    pub(super) fn run(&self, job: Job) -> Result<(Report, PathBuf), CommandError> {
        let (folder, output) = (self.scratch.path().join(DOCKERFILE_FOLDER), self.scratch.path().join(OUTPUT_FOLDER));
        let text = dockerfile(job, &self.mount);
        make_anew(&folder)
            .and_then(|()| fs::write(folder.join("Dockerfile"), text))
            .and_then(|()| make_anew(&output))
            .map_err(|error| self.unusable(error))?;
        let build = Build {
            folder: self.scratch.path(),
            builder: self.name,
            platform: self.binary.executable.platform(),
            nonce: &format!("{}-{}", self.nonce, job.name()),
            dockerfile: DOCKERFILE_FOLDER,
            binary: BINARY_FOLDER,
            request: REQUEST_FOLDER,
            output: OUTPUT_FOLDER,
        };
        build.run(&|| self.is_stopped()).map_err(BuildkitError::from)?;
        let answer = output.join(ANSWER);
        let report = read_report(&answer).map_err(BuildkitError::from)?;
        match report.failure {
            Some(stop) => Err(BuildkitError::Inside(stop).into()),
            None => Ok((report, answer)),
        }
    }

    fn unusable(&self, source: io::Error) -> ScratchError {
        ScratchError { folder: self.scratch.path().to_owned(), source }
    }
}

fn make_anew(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir(folder),
    }
}
