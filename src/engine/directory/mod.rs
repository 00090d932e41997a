//! The local directory: users, groups and roles, changed through `Change` only, seeded and imported.

mod change;
mod import;
mod rows;
mod seed;

pub(crate) use change::{Draft, DraftStep, Drafter, keys, known_store};
pub use import::{
    BLOCKED, Import, ImportError, ImportFormat, ImportReport, Intake, Intaken, RowError, import,
    import_until,
};
pub(crate) use seed::put_seed;
pub use seed::{Seed, SeedError, SeedGroup, Seeded};
