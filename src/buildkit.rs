//! Carries a store into a builder's cache mount (seed) and out of it (export).
//!
//! A cache mount can be reached from inside a build only, and the host alone can tell which blobs to carry. So larder starts builds of its own: an empty image in which the one
//! step is larder, a static binary, with the mount on one side and a folder of the host on the other. No shell, no base image, no network, and nothing that stays.
//!
//! ```text
//!  host                                     build                                      what comes back (`--output type=local`)
//!  seed     receipts of what is wanted ──▶  ask      ── reads the mount ────────────▶  what it lacks, or has damaged
//!           blobs that it lacks        ──▶  take-in  ── verifies, writes the mount ─▶  what was imported, what was refused
//!  export   receipts of what is here   ──▶  hand-out ── reads the mount ────────────▶  blobs that are not here; verified on the host
//! ```
//!
//! This room is the text of those builds ([`dockerfile`]) and the messages of the two sides ([`protocol`]); [`docker`] alone starts a process.
//!
//! - **A fresh build argument makes the step run.** `--no-cache` would as well, but would give the step an empty mount and drop the old one.
//! - **The binary is a named context of its own, with the time of the original**, so that a builder that has it is not sent it again; the blobs are another one.
//! - **The step never fails.** A step that fails exports nothing, so the larder inside writes what went wrong into its report, and the one outside ends with it.
//! - **A receipt may cross alone.** Where both sides have the bytes and only one knows a key of them (a sha1 of an old lockfile, a commit), the key alone is missing, and a
//!   build would download for it.
//! - **An import trusts nothing**, since whatever a Dockerfile runs can write to a mount: it follows no links, reads no pipes, compares lengths first, and a digest counts only
//!   if it was computed from the bytes. It uses locks, barrier and journal as a download does, so a seed, a build and a fetch on one mount do nothing twice, and a kill loses
//!   nothing.
//! - **`uid=`, `gid=` and `mode=`** make a mount another one than without: its key is that of the folder that the builder first makes. So they are passed on if the Dockerfile
//!   has them and never added, and the step runs as that user: a build could read files of root's and not add to them.
//! - Transferred blobs also stay in BuildKit's cache until it is pruned.

pub(crate) mod diagnosis;
pub(crate) mod docker;
pub(crate) mod dockerfile;
pub(crate) mod executable;
pub(crate) mod mount;
pub(crate) mod protocol;
