//! How a real server differs from the RFCs, as data.
//!
//! A personality is a TOML file of closed, documented keys; what it does not say is as the RFCs have it. The built-in
//! ones live in `fixtures/personalities/` with the source of each quirk beside it; a user may write their own.

use serde::Deserialize;

use super::filter::Operator as Comparison;
use crate::vendor::{Kind, Operation};

const BUILT_IN: [&str; 11] = [
    include_str!("../../../fixtures/personalities/strict.toml"),
    include_str!("../../../fixtures/personalities/no-body.toml"),
    include_str!("../../../fixtures/personalities/aws-iam-identity-center.toml"),
    include_str!("../../../fixtures/personalities/slack.toml"),
    include_str!("../../../fixtures/personalities/github-emu.toml"),
    include_str!("../../../fixtures/personalities/entra.toml"),
    include_str!("../../../fixtures/personalities/okta.toml"),
    include_str!("../../../fixtures/personalities/awkward.toml"),
    include_str!("../../../fixtures/personalities/mutable-id.toml"),
    include_str!("../../../fixtures/personalities/loose.toml"),
    include_str!("../../../fixtures/personalities/wso2.toml"),
];

/// A server's quirks. Every key that is left out keeps the RFCs' word.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personality {
    /// The name it is called by.
    pub name: String,
    /// One sentence that says what is different.
    pub summary: String,
    /// What identifiers look like.
    #[serde(default)]
    pub identifiers: Identifiers,
    /// Paths, methods and headers.
    #[serde(default)]
    pub http: Http,
    /// How failures are told.
    #[serde(default)]
    pub errors: Errors,
    /// Which optional parts of the protocol there are.
    #[serde(default)]
    pub features: Features,
    /// How lists are cut into pages.
    #[serde(default)]
    pub lists: Lists,
    /// Which filters work.
    #[serde(default)]
    pub filters: Filters,
    /// What PATCH takes and answers.
    #[serde(default)]
    pub patch: Patch,
    /// What is kept of a resource.
    #[serde(default)]
    pub resources: Resources,
    /// The published rates, for the server's token buckets.
    #[serde(default)]
    pub quota: Vec<PublishedQuota>,
}

/// What identifiers look like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identifiers {
    /// `uuid`, `integer` (as a string), or `name`: the userName or displayName itself, so that a rename moves it.
    pub form: IdentifierForm,
}

/// The form of an identifier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifierForm {
    /// A UUID.
    #[default]
    Uuid,
    /// 1, 2, 3 …, as a string.
    Integer,
    /// The userName or displayName.
    Name,
}

/// Paths, methods and headers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Paths under which the same resources are served besides the base path.
    pub extra_base_paths: Vec<String>,
    /// Whether `/users` is `/Users`.
    pub ignore_path_case: bool,
    /// Whether 201 and reads carry `Location`.
    pub location_header: bool,
    /// What a method that an endpoint does not have is answered with.
    pub unsupported_method: u16,
    /// Whether PUT is there.
    pub put: bool,
    /// Whether a request without `User-Agent` is refused with 403.
    pub user_agent_required: bool,
    /// Whether a DELETE that accepts `application/scim+json` is refused with 400.
    pub delete_refuses_scim_accept: bool,
    /// Whether 401 comes without a body.
    pub empty_unauthorized: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            extra_base_paths: Vec::new(),
            ignore_path_case: false,
            location_header: true,
            unsupported_method: 405,
            put: true,
            user_agent_required: false,
            delete_refuses_scim_accept: false,
            empty_unauthorized: false,
        }
    }
}

/// How failures are told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Errors {
    /// `string` (the RFC's), `number` or `absent`: the form of `status` in an error body.
    pub status: StatusForm,
    /// The status for an identifier that is not known.
    pub not_found: u16,
    /// The one status that 400, 404 and 409 become.
    pub lump: Option<u16>,
    /// Whose words: `scim` or `aws`.
    pub vocabulary: Vocabulary,
}

impl Default for Errors {
    fn default() -> Self {
        Self {
            status: StatusForm::String,
            not_found: 404,
            lump: None,
            vocabulary: Vocabulary::Scim,
        }
    }
}

/// The form of `status` in an error body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusForm {
    /// `"404"`, as RFC 7644, section 3.12 has it.
    String,
    /// `404`
    Number,
    /// Left out.
    Absent,
}

/// Whose words an error body is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vocabulary {
    /// `schemas`, `status`, `scimType`, `detail`.
    Scim,
    /// The same and AWS's exception names.
    Aws,
}

/// Which optional parts of the protocol there are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Features {
    /// Whether `/Me` is there; 501 when not.
    pub me: bool,
    /// Whether `/Bulk` is there.
    pub bulk: bool,
    /// The most operations of one Bulk request.
    pub bulk_max_operations: u32,
    /// The most bytes of one Bulk request.
    pub bulk_max_payload_bytes: u32,
    /// Whether `/.search` is there.
    pub search: bool,
    /// Whether lists can be sorted.
    pub sort: bool,
    /// Whether entity tags are given and checked.
    pub etag: bool,
    /// Whether a password can be changed.
    pub change_password: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            me: true,
            bulk: true,
            bulk_max_operations: 1000,
            bulk_max_payload_bytes: 1_048_576,
            search: true,
            sort: true,
            etag: true,
            change_password: true,
        }
    }
}

/// How lists are cut into pages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lists {
    /// The page size when a request names none.
    pub default_page: u32,
    /// The most resources of one page; a larger count counts as this.
    pub max_page: u32,
    /// Whether `count=0` is answered with the totals; 400 when not.
    pub zero_count: bool,
    /// Whether cursor paging (RFC 9865) is there.
    pub cursor: bool,
    /// Whether `Resources` is spelt `resources`.
    pub lower_case_resources: bool,
    /// Whether `/ResourceTypes` and `/Schemas` say `totalResults`.
    pub discovery_totals: bool,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            default_page: 1000,
            max_page: 1000,
            zero_count: true,
            cursor: true,
            lower_case_resources: false,
            discovery_totals: true,
        }
    }
}

/// Which filters work.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// Whether filters are announced.
    pub announced: bool,
    /// The comparing operators that work.
    pub operators: Vec<Comparison>,
    /// The words that join and change: `and`, `or`, `not`, `pr`.
    pub words: Vec<Word>,
    /// Whether `emails[type eq "work"]` works.
    pub value_paths: bool,
    /// Whether every string is compared with case.
    pub exact_case: bool,
    /// Attributes whose filter never finds anything.
    pub blind: Vec<String>,
    /// Whether a value may go without quotes.
    pub unquoted: bool,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            announced: true,
            operators: Comparison::ALL.to_vec(),
            words: vec![Word::And, Word::Or, Word::Not, Word::Pr],
            value_paths: true,
            exact_case: false,
            blind: Vec::new(),
            unquoted: false,
        }
    }
}

/// A word of the filter language that is no comparing operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Both sides.
    And,
    /// Either side.
    Or,
    /// The opposite.
    Not,
    /// Present.
    Pr,
}

/// What PATCH takes and answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patch {
    /// What a user's PATCH is answered with: `resource` (200) or `nothing` (204).
    pub user_answer: PatchAnswer,
    /// What a group's PATCH is answered with.
    pub group_answer: PatchAnswer,
    /// The only attributes of a user that PATCH changes; empty for all.
    pub user_attributes: Vec<String>,
    /// The only attributes of a group that PATCH changes; empty for all.
    pub group_attributes: Vec<String>,
    /// The status for an attribute that PATCH does not change.
    pub refused_attribute: u16,
    /// Whether `members[value eq "…"]` works.
    pub value_paths: bool,
    /// Whether `{"op":"remove","path":"members","value":[{"value":"…"}]}` removes that member; 400 when not.
    pub remove_by_value: bool,
    /// The most members one request may add and remove.
    pub max_member_changes: Option<u32>,
    /// Whether the members may be replaced as a whole.
    pub replace_members: bool,
    /// Whether the members may be removed as a whole.
    pub remove_all_members: bool,
}

impl Default for Patch {
    fn default() -> Self {
        Self {
            user_answer: PatchAnswer::Resource,
            group_answer: PatchAnswer::Resource,
            user_attributes: Vec::new(),
            group_attributes: Vec::new(),
            refused_attribute: 400,
            value_paths: true,
            remove_by_value: true,
            max_member_changes: None,
            replace_members: true,
            remove_all_members: true,
        }
    }
}

/// What a PATCH is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PatchAnswer {
    /// 200 and the resource.
    Resource,
    /// 204, unless attributes are asked for.
    Nothing,
}

/// What is kept of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    /// Attributes that are neither announced nor kept.
    pub absent: Vec<String>,
    /// Multi-valued attributes that hold one value only; more are refused.
    pub single: Vec<String>,
    /// Attributes that must be there besides those of the schema.
    pub required: Vec<String>,
    /// The fewest characters of a password.
    pub password_min_length: u32,
    /// Whether a body must name its schema.
    pub schemas_required: bool,
    /// Whether a body that names an unknown schema is refused.
    pub refuse_unknown_schemas: bool,
    /// Whether a multi-valued complex attribute may be given as plain strings.
    pub plain_strings: bool,
    /// Whether of several primary values one is kept; when not, all are.
    pub reduce_primaries: bool,
    /// Whether POST and PUT take members.
    pub members_on_write: bool,
    /// What happens to a member that is no resource: `keep`, `drop` or `refuse`.
    pub unknown_members: UnknownMembers,
    /// The most members of a group.
    pub max_members: Option<u32>,
    /// Whether two groups may not have one displayName.
    pub unique_group_names: bool,
    /// Whether two resources of a kind may not have one externalId.
    pub unique_external_ids: bool,
    /// Whether `meta` says when the resource was made and changed.
    pub timestamps: bool,
    /// Whether `meta.resourceType` is spelt `user` and `group`.
    pub lower_case_type: bool,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            absent: Vec::new(),
            single: Vec::new(),
            required: Vec::new(),
            password_min_length: 0,
            schemas_required: true,
            refuse_unknown_schemas: false,
            plain_strings: false,
            reduce_primaries: true,
            members_on_write: true,
            unknown_members: UnknownMembers::Keep,
            max_members: None,
            unique_group_names: false,
            unique_external_ids: false,
            timestamps: true,
            lower_case_type: false,
        }
    }
}

/// What happens to a member that is no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownMembers {
    /// It is kept as it came; the RFCs ask for no more.
    Keep,
    /// It is left out.
    Drop,
    /// The request is refused.
    Refuse,
}

/// One published rate.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedQuota {
    /// What the rate is called in messages.
    pub name: String,
    /// What it counts: `read`, `write`, or operations by name such as `Users.create`.
    pub counts: Vec<String>,
    /// How many requests in [`PublishedQuota::seconds`].
    pub requests: u32,
    /// The period in seconds.
    pub seconds: u32,
    /// How many may come at once; the whole allowance when absent.
    pub burst: Option<u32>,
}

impl PublishedQuota {
    /// Tells whether an operation is counted by this rate.
    pub fn covers(&self, operation: &Operation) -> bool {
        let kind = match operation.kind {
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Token => "token",
            Kind::Meta => "meta",
        };
        self.counts
            .iter()
            .any(|counted| counted == kind || counted == operation.name)
    }
}

/// What is wrong with a personality file.
#[derive(Debug, thiserror::Error)]
pub enum PersonalityError {
    /// The text is no TOML, has an unknown key or a value of another type; the message names line and key.
    #[error("the personality is not readable")]
    Syntax(#[from] toml::de::Error),
    /// A value is out of range.
    #[error("{0}")]
    Value(String),
}

impl Personality {
    /// The names of the built-in personalities.
    pub const ALL: [&str; 11] = [
        "strict",
        "no-body",
        "aws-iam-identity-center",
        "slack",
        "github-emu",
        "entra",
        "okta",
        "awkward",
        "mutable-id",
        "loose",
        "wso2",
    ];

    /// Returns a built-in personality.
    pub fn named(name: &str) -> Option<Self> {
        let at = Self::ALL.iter().position(|known| *known == name)?;
        Some(Self::from_toml(BUILT_IN[at]).expect("the built-in personalities are read by a test"))
    }

    /// Reads a personality from the text of its file.
    ///
    /// # Errors
    /// [`PersonalityError`] names the key and what is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self, PersonalityError> {
        let personality: Self = toml::from_str(text)?;
        personality.check()?;
        Ok(personality)
    }

    fn check(&self) -> Result<(), PersonalityError> {
        let refuse = |message: String| Err(PersonalityError::Value(message));
        for (key, status) in [
            (
                "http.unsupported_method",
                Some(self.http.unsupported_method),
            ),
            ("errors.not_found", Some(self.errors.not_found)),
            ("errors.lump", self.errors.lump),
            (
                "patch.refused_attribute",
                Some(self.patch.refused_attribute),
            ),
        ] {
            if status.is_some_and(|status| !(400..600).contains(&status)) {
                return refuse(format!("{key} must be a status from 400 to 599"));
            }
        }
        if self.lists.max_page == 0
            || self.lists.default_page == 0
            || self.lists.default_page > self.lists.max_page
        {
            return refuse(
                "lists.default_page must be at least 1 and at most lists.max_page".to_owned(),
            );
        }
        if let Some(path) = self
            .http
            .extra_base_paths
            .iter()
            .find(|path| !path.starts_with('/'))
        {
            return refuse(format!(
                "http.extra_base_paths: '{path}' must start with '/'"
            ));
        }
        if let Some(quota) = self
            .quota
            .iter()
            .find(|quota| quota.requests == 0 || quota.seconds == 0)
        {
            return refuse(format!(
                "quota '{}': requests and seconds must be at least 1",
                quota.name
            ));
        }
        Ok(())
    }
}

impl Default for Personality {
    fn default() -> Self {
        Self::named("strict").expect("strict is built in")
    }
}
