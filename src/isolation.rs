//! A network of a run's own: the process moves into namespaces in which there is nothing but loopback, and replaces files of the system there, for itself and the programs that it starts.
//!
//! ```text
//! enter: namespaces (mount, network, and user where the rights are missing) ── netlink: loopback and its addresses
//! places: where the hosts that a run asks for are in that network
//! put_over ◀── system_files: resolv.conf, hosts, nsswitch.conf, certificates ── java_roots: the same certificates for Java
//! ```
//!
//! Everything ends with the last process of the run: nothing is undone, since nothing outside has changed. It keeps programs from a network by mistake; against
//! a hostile program of root's it is no wall.

mod error;
pub(crate) mod java_roots;
mod places;
pub(crate) mod system_files;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod netlink;

#[cfg(not(target_os = "linux"))]
pub(crate) use self::elsewhere::{add_address, enter, put_over};
#[cfg(target_os = "linux")]
pub(crate) use self::namespaces::{add_address, enter, put_over};
pub(crate) use self::{
    error::IsolationError,
    places::{EVERY_HOST, Places},
};
