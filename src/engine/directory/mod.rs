//! The local directory: users, groups and roles, changed through `Change` only, seeded and imported.

mod import;
mod seed;

pub use import::{Import, ImportError, ImportFormat, ImportReport, RowError};
pub use seed::{Seed, SeedError, SeedGroup, Seeded};
