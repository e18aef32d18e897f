//! yarn 1's mirror, with a warning for each package that it cannot hold.

use crate::{
    commands::context::Context,
    core::layout::Layout,
    npm::metadata::Metadata,
    view::yarn_mirror::{LeftOut, Mirror, yarn_mirror},
};

/// The mirror of yarn 1. Warns of packages that have no place in it.
pub(in crate::commands) fn mirror_of_yarn(catalog: &Metadata, context: &Context<'_>) -> Layout {
    let Mirror { layout, left_out } = yarn_mirror(catalog.versions());
    for LeftOut { package, file } in left_out {
        context.printer.warning(&format!(
            "{package} is left out of yarn's mirror: yarn 1 looks for it as {file}, which is another package's"
        ));
    }
    layout
}
