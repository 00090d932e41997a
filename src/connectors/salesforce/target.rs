//! What the Salesforce User object can hold and do.

use domain::{ConnectorType, Deprovision, Form, NameRule, PasswordRule, TargetSpec};

use super::fields::FIELDS;

/// The connector type `salesforce`.
pub(crate) const SALESFORCE: ConnectorType = ConnectorType {
    kind: "salesforce",
    wso2_name: "salesforce",
    label: "Salesforce",
    fields: FIELDS,
    target: TargetSpec {
        name: NameRule::Pattern {
            pattern: "pattern",
            separator: "separator",
            domain: "provisioning_domain",
        },
        name_attribute: "Username",
        // Source: object reference, User: "must be in the form of an email address".
        name_form: Form::Address,
        // The body is the connection's attribute mapping and nothing else.
        default_mappings: &[],
        // Source: object reference, User; Username is the name attribute.
        required: &[
            "Alias",
            "Email",
            "EmailEncodingKey",
            "LanguageLocaleKey",
            "LastName",
            "LocaleSidKey",
            "ProfileId",
            "TimeZoneSidKey",
        ],
        // Source: field reference (sfFieldRef), User.
        max_lengths: &[
            ("Alias", 8),
            ("Username", 80),
            ("LastName", 80),
            ("FirstName", 40),
            ("Email", 128),
            ("CommunityNickname", 40),
            ("Department", 80),
            ("Title", 80),
            ("City", 40),
        ],
        // Source: API status code INVALID_EMAIL_ADDRESS.
        forms: &[("Email", Form::Address)],
        booleans: &[
            "IsActive",
            "ForecastEnabled",
            "ReceivesInfoEmails",
            "ReceivesAdminInfoEmails",
            "UserPermissionsMarketingUser",
            "UserPermissionsOfflineUser",
            "UserPermissionsCallCenterAutoLogin",
            "UserPermissionsSFContentUser",
            "UserPermissionsKnowledgeUser",
            "UserPermissionsInteractionUser",
            "UserPermissionsSupportUser",
        ],
        reserved: &["Id", "Username"],
        groups: false,
        password: PasswordRule::Never,
        default_deprovision: Deprovision::Deactivate,
        can_delete: false,
        address_settings: &["domain_name", "token_endpoint"],
    },
};
