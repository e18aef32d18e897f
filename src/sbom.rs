//! The software bill of materials of a plan: [`Bill`], and the two forms in which tools read it, `CycloneDX` 1.6 and SPDX 2.3. Pure: what is known of each artifact comes in, a
//! document goes out.
//!
//! ```text
//! artifact + licence + address ──component──▶ Component ──bill──▶ Bill ─┬─cyclonedx─▶ JSON
//!   (licence.rs)   (purl.rs)                                            └─spdx──────▶ JSON
//! ```
//!
//! The same lockfiles, selection and licences give the same bytes: no time, no random number and nothing of the machine is in a document.
//!
//! The documents are serde structs of the few fields that are stated. What was looked at instead: cyclonedx-bom 0.8 writes `CycloneDX` 1.5 at most, and brings 1.3 to 1.5 and XML;
//! serde-cyclonedx 0.10, serde-spdx 0.10 and spdx-rs 0.5 have every field of the schemas, as builders made from them, for two dozen that are used here. Expressions of licences are
//! read by the crate spdx, which has SPDX's list of licences and needs nothing that is not built anyway.

mod bill;
mod component;
mod cyclonedx;
mod licence;
mod purl;
mod spdx;
mod uuid;

pub use self::bill::{Bill, Project, Tally};
pub use self::component::{Described, Scope};
pub use self::cyclonedx::cyclonedx;
pub use self::licence::Licence;
pub use self::spdx::spdx;
