//! What Google Directory can hold and do.

use domain::{
    ConnectorType, DefaultMapping, Deprovision, Fallback, Form, MappedFrom, NameRule, PasswordRule,
    TargetSpec,
};

use super::fields::FIELDS;

/// The connector type `google`.
pub(crate) const GOOGLE: ConnectorType = ConnectorType {
    kind: "google",
    wso2_name: "googleapps",
    label: "Google",
    fields: FIELDS,
    target: TargetSpec {
        name: NameRule::Pattern {
            pattern: "pattern",
            separator: "separator",
            domain: "google_domain",
        },
        name_attribute: "primaryEmail",
        // Source: support.google.com/a/answer/9193374, "Name guidelines for users and groups". The page changes: older
        // versions refuse accents and every sign but - _ ' and ., the newest speaks of other signs that are taken. So
        // signs that no version names are left to Google; letters beyond ASCII are refused, as most versions say.
        name_form: Form::Mailbox {
            forbidden: "&=<>+,!",
            most: 64,
            reserved: &["abuse", "postmaster"],
        },
        default_mappings: &[
            DefaultMapping {
                remote: "name.givenName",
                from: MappedFrom::Setting("given_name_claim"),
                fallback: Fallback::Setting("given_name_default"),
            },
            DefaultMapping {
                remote: "name.familyName",
                from: MappedFrom::Setting("family_name_claim"),
                fallback: Fallback::Setting("family_name_default"),
            },
        ],
        starters: &[],
        // Source: discovery document admin:directory_v1, `required: directory.users.insert`.
        required: &["name.givenName", "name.familyName"],
        max_lengths: &[
            ("name.givenName", 60),
            ("name.familyName", 60),
            ("name.displayName", 256),
        ],
        forms: &[],
        booleans: &[
            "suspended",
            "archived",
            "changePasswordAtNextLogin",
            "includeInGlobalAddressList",
            "ipWhitelisted",
        ],
        active_attributes: &["suspended", "archived"],
        normal,
        reserved: &[
            "primaryEmail",
            "password",
            "hashFunction",
            "id",
            "kind",
            "etag",
            "isAdmin",
            "isDelegatedAdmin",
            "creationTime",
            "lastLoginTime",
            "customerId",
            "aliases",
            "nonEditableAliases",
            "isMailboxSetup",
            "agreedToTerms",
            "suspensionReason",
            "deletionTime",
        ],
        groups: false,
        password: PasswordRule::RandomOnCreate,
        default_deprovision: Deprovision::Delete,
        can_delete: true,
        address_settings: &["base_url", "token_endpoint"],
    },
};

/// Addresses are kept in lower case.
fn normal(field: &str, text: &str) -> String {
    let name = field.split(['.', '[']).next().unwrap_or(field);
    let is_address = ["primaryEmail", "recoveryEmail", "emails", "aliases"]
        .iter()
        .any(|address| address.eq_ignore_ascii_case(name));
    if is_address {
        text.to_lowercase()
    } else {
        text.to_owned()
    }
}
