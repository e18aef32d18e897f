//! [`Writable`]: the proof that a store can be written. Whatever writes in a store asks for one, so that a read-only store is refused once, before the work.

use std::path::Path;

use crate::layout::Layout;

/// A store that can be written: [`Store::writable`](crate::Store::writable) gives it.
#[derive(Clone, Copy, Debug)]
pub struct Writable<'s> {
    layout: &'s Layout,
}

impl<'s> Writable<'s> {
    /// For whoever has found out that the store can be written.
    pub(crate) const fn new(layout: &'s Layout) -> Self {
        Self { layout }
    }

    /// The store's folder.
    pub fn root(self) -> &'s Path {
        self.layout.root()
    }

    pub(crate) const fn layout(self) -> &'s Layout {
        self.layout
    }
}
