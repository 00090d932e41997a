//! What a connector's setting is called, holds and hides. Forms, TOML keys, lint and JSON Schema are made from these.

/// One setting of a connector type.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key in `workbench.toml`.
    pub key: &'static str,
    /// The property key of WSO2 Identity Server, accepted as an alias.
    pub wso2_key: Option<&'static str>,
    /// The Console's label.
    pub label: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be set (when shown).
    pub required: bool,
    /// The value used when it is left out.
    pub default: Option<&'static str>,
    /// What it is for, in a sentence, with an example.
    pub hint: &'static str,
    /// Shown and required only when another setting has one of these values.
    pub only_when: Option<(&'static str, &'static [&'static str])>,
}

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// A host name such as `corp.example`.
    Domain,
    /// An e-mail address.
    Email,
    /// An `http` or `https` URL.
    Url,
    /// A claim URI or its short name.
    Claim,
    /// Yes or no.
    Flag,
    /// One of these words (compared without case).
    Choice(&'static [&'static str]),
    /// A provisioning pattern such as `{UN}`.
    Pattern,
    /// A list of texts.
    List,
    /// A secret, by reference.
    Secret,
    /// A secret that is a file's content (a key file), by reference.
    SecretFile,
}

impl FieldKind {
    /// Tells whether the value must never be shown.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretFile)
    }
}
