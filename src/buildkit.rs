//! Carrying a store into a builder's cache mount and out of it.
//!
//! A cache mount cannot be reached from outside a build. So larder starts a build of its own: an empty image in which the one step is larder, a static binary,
//! with the mount on one side and a folder of the host on the other. No shell, no base image, no network, and nothing that stays.
//!
//! ```text
//!  host                                     build                                      what comes back (`--output type=local`)
//!  seed     receipts of what is wanted ──▶  ask      ── reads the mount ────────────▶  what it lacks
//!           blobs that it lacks        ──▶  take-in  ── verifies, writes the mount ─▶  what was taken, what was refused
//!  harvest  receipts of what is here   ──▶  hand-out ── reads the mount ────────────▶  blobs that are not here; verified on the host
//! ```
//!
//! This module is the text of those builds and what passes between the two sides; [`docker`] alone starts a process. Facts that decide its form, measured:
//! `--no-cache` would give the step an empty mount and drop the old one, so a fresh build argument makes it run; a mount with `uid=`, `gid=` or `mode=`
//! is another one than without, so they are passed on if the Dockerfile has them, and never otherwise.

pub mod diagnosis;
pub mod docker;
pub mod dockerfile;
pub mod exchange;
pub mod executable;
pub mod mount;
