//! The names of the three targets.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Vendor, google::Google, salesforce::Salesforce, scim2::Scim2};

/// One of the three mocked targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Google Directory.
    Google,
    /// Salesforce.
    Salesforce,
    /// SCIM 2.0.
    Scim2,
}

impl Target {
    /// All of them, in the order in which they start.
    pub const ALL: [Target; 3] = [Target::Google, Target::Salesforce, Target::Scim2];

    /// Returns the name, as on the command line and in a seed file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Salesforce => "salesforce",
            Self::Scim2 => "scim2",
        }
    }

    /// Lists the operations that the mock tells apart: what a fault's `op` may name.
    pub fn operations(self) -> Vec<&'static str> {
        match self {
            Self::Google => Google::operations(),
            Self::Salesforce => Salesforce::operations(),
            Self::Scim2 => Scim2::operations(),
        }
    }

    /// Returns the port the mock listens on when nothing else is asked for.
    pub fn port(self) -> u16 {
        match self {
            Self::Google => 9101,
            Self::Salesforce => 9102,
            Self::Scim2 => 9103,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No target has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no mock is called `{name}`{}; there are google, salesforce and scim2",
    guess(name)
)]
pub struct UnknownTarget {
    /// What was written.
    pub name: String,
}

fn guess(written: &str) -> String {
    let written = written.to_lowercase();
    let near = Target::ALL
        .into_iter()
        .find(|target| strsim::damerau_levenshtein(&written, target.name()) <= 2);
    near.map_or_else(String::new, |target| format!(", did you mean `{target}`?"))
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        let found = Self::ALL
            .into_iter()
            .find(|target| target.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownTarget {
            name: text.to_owned(),
        })
    }
}
