//! The one place where memory is given up before the process ends.

/// Leaves a value to the end of the process, which is near. A plan has a dozen strings for each package: freeing those of 20,000 packages one by one takes as long as a fetch that
/// finds everything in the store takes for the rest.
pub(super) fn leak<T>(value: T) {
    std::mem::forget(value);
}
