//! Moves this process into a mount and a network namespace of its own, and into a user namespace where it has no right to these.

use std::{fs, io, net::IpAddr, path::Path};

use rustix::{
    mount::{MountPropagationFlags, mount_bind, mount_change},
    process::{getegid, geteuid},
    thread::{CapabilitySet, UnshareFlags, capabilities},
};

use super::{error::IsolationError, netlink, places::EVERY_HOST};

/// What it takes to have the other namespaces without a user namespace: to make them and to mount, to set up loopback, and to listen on port 443.
const RIGHTS: CapabilitySet =
    CapabilitySet::SYS_ADMIN.union(CapabilitySet::NET_ADMIN).union(CapabilitySet::NET_BIND_SERVICE);

/// Moves this process, which has one thread, into namespaces of its own with loopback and nothing else. The user stays who he is: in a user namespace, his number and that
/// of his group are as they were, and all others are nobody's. Who has the rights already gets no user namespace: root can change to other users, as npm does for scripts.
pub(crate) fn enter() -> Result<(), IsolationError> {
    let has_rights = capabilities(None).is_ok_and(|sets| sets.effective.contains(RIGHTS));
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let own = UnshareFlags::NEWNS | UnshareFlags::NEWNET;
    unshare(if has_rights { own } else { own | UnshareFlags::NEWUSER })?;
    if !has_rights {
        write("/proc/self/setgroups", "deny")?;
        write("/proc/self/uid_map", &format!("{user} {user} 1"))?;
        write("/proc/self/gid_map", &format!("{group} {group} 1"))?;
    }
    // What is mounted here must not be seen outside; what is unmounted outside goes here, too.
    let parted = mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC);
    parted.map_err(|error| IsolationError::Mounts(error.into()))?;
    netlink::loopback_up().map_err(IsolationError::Loopback)?;
    add_address(EVERY_HOST.into())
}

#[expect(deprecated, reason = "its successor is unsafe because of tables of open files, which stay shared here")]
fn unshare(flags: UnshareFlags) -> Result<(), IsolationError> {
    rustix::thread::unshare(flags).map_err(|error| IsolationError::Namespaces(error.into()))
}

fn write(path: &'static str, text: &str) -> Result<(), IsolationError> {
    fs::write(path, text).map_err(|source| IsolationError::Ids { path, source })
}

/// Gives loopback another address.
pub(crate) fn add_address(address: IpAddr) -> Result<(), IsolationError> {
    netlink::add_address(address).map_err(IsolationError::Loopback)
}

/// Puts a file or a folder in the place of another, which has to be there. Links are followed.
pub(crate) fn put_over(new: &Path, place: &Path) -> Result<(), IsolationError> {
    mount_bind(new, place)
        .map_err(|error| IsolationError::Replace { path: place.to_owned(), source: io::Error::from(error) })
}
