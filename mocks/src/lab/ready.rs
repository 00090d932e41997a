//! How to reach a mock that listens: one line for a person, one JSON object for a program.

use std::{fmt, path::PathBuf};

use serde::Serialize;

/// A mock that is ready. As JSON: `{"mock":"scim2","url":…,"authorization":…,"control":…}`, the other two with the file
/// their credentials are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "mock", rename_all = "lowercase")]
pub enum Ready {
    /// Google Directory.
    Google {
        /// `http://host:port`
        url: String,
        /// The key file of the service account.
        credentials: PathBuf,
        /// The administrator to impersonate.
        subject: String,
        /// The account's primary domain.
        domain: String,
        /// What its ids and the lots of its faults are drawn from.
        random_seed: u64,
        /// How to steer it from another process.
        control: Control,
    },
    /// Salesforce.
    Salesforce {
        /// `http://host:port`
        url: String,
        /// The file with user, connected app and the name of the key file.
        credentials: PathBuf,
        /// What its ids and the lots of its faults are drawn from.
        random_seed: u64,
        /// How to steer it from another process.
        control: Control,
    },
    /// SCIM 2.0.
    Scim2 {
        /// `http://host:port/scim/v2`
        url: String,
        /// The value of an `Authorization` header that is let in.
        authorization: String,
        /// The file with the other ways in.
        credentials: PathBuf,
        /// What its ids and the lots of its faults are drawn from.
        random_seed: u64,
        /// How to steer it from another process.
        control: Control,
    },
}

/// How to steer a mock from another process, see [`CONTROL_PREFIX`](crate::server::CONTROL_PREFIX).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Control {
    /// `http://host:port/_mock`
    pub url: String,
    /// The value of the `Authorization` header.
    pub authorization: String,
}

impl Ready {
    /// Returns what the mock's ids and the lots of its faults are drawn from.
    pub fn random_seed(&self) -> u64 {
        match self {
            Self::Google { random_seed, .. }
            | Self::Salesforce { random_seed, .. }
            | Self::Scim2 { random_seed, .. } => *random_seed,
        }
    }

    /// Returns the URL under which clients find the API.
    pub fn url(&self) -> &str {
        match self {
            Self::Google { url, .. } | Self::Salesforce { url, .. } | Self::Scim2 { url, .. } => {
                url
            }
        }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Google {
                url,
                credentials,
                subject,
                ..
            } => {
                write!(
                    f,
                    "google      {url}  key {}  subject {subject}",
                    credentials.display()
                )
            }
            Self::Salesforce {
                url, credentials, ..
            } => {
                write!(
                    f,
                    "salesforce  {url}  credentials {}",
                    credentials.display()
                )
            }
            Self::Scim2 {
                url, authorization, ..
            } => write!(f, "scim2       {url}  authorization {authorization}"),
        }
    }
}
