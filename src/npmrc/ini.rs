//! npm's ini format.
