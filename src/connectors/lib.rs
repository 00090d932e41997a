//! Google, Salesforce and SCIM2 over one HTTP floor.

mod catalogue;
mod google;
mod salesforce;
mod scim2;

pub use catalogue::CATALOGUE;
