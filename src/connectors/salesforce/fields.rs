//! The settings of a Salesforce connector, in the Console's order.

use domain::{Field, FieldKind};

/// Where production organizations get their tokens.
pub(crate) const TOKEN_ENDPOINT: &str = "https://login.salesforce.com/services/oauth2/token";

const PLAIN: Field = Field {
    key: "",
    wso2_key: None,
    label: "",
    kind: FieldKind::Text,
    required: false,
    default: None,
    hint: "",
    only_when: None,
};

const PASSWORD_GRANT: Option<(&str, &[&str])> = Some(("use_password_grant", &["true"]));

/// Every setting.
pub(crate) const FIELDS: &[Field] = &[
    Field {
        key: "api_version",
        wso2_key: Some("sf-api-version"),
        label: "API version",
        required: true,
        hint: "The REST API's version with its `v`, for example `v68.0`; it goes into the address as it is.",
        ..PLAIN
    },
    Field {
        key: "domain_name",
        wso2_key: Some("sf-domain-name"),
        label: "Domain Name",
        kind: FieldKind::Url,
        required: true,
        hint: "The organization's address with `https://`, for example `https://acme.my.salesforce.com`. Every call goes \
               there.",
        ..PLAIN
    },
    Field {
        key: "client_id",
        wso2_key: Some("sf-clientid"),
        label: "Client ID",
        required: true,
        hint: "The consumer key of the connected app.",
        ..PLAIN
    },
    Field {
        key: "client_secret",
        wso2_key: Some("sf-client-secret"),
        label: "Client Secret",
        kind: FieldKind::Secret,
        required: true,
        hint: "The consumer secret of the connected app.",
        ..PLAIN
    },
    Field {
        key: "use_password_grant",
        wso2_key: Some("sf-usePasswordGrant"),
        label: "Use OAuth Username-Password Flow to get access token",
        kind: FieldKind::Flag,
        default: Some("true"),
        hint: "On: username-password flow. Off: client-credentials flow, at the My Domain address only.",
        ..PLAIN
    },
    Field {
        key: "username",
        wso2_key: Some("sf-username"),
        label: "Username",
        required: true,
        hint: "The Salesforce user that provisioning acts as, for example `provisioning@acme.example`.",
        only_when: PASSWORD_GRANT,
        ..PLAIN
    },
    Field {
        key: "password",
        wso2_key: Some("sf-password"),
        label: "Password",
        kind: FieldKind::Secret,
        required: true,
        hint: "That user's password with the security token right behind it.",
        only_when: PASSWORD_GRANT,
        ..PLAIN
    },
    Field {
        key: "token_endpoint",
        wso2_key: Some("sf-token-endpoint"),
        label: "OAuth2 Token Endpoint",
        kind: FieldKind::Url,
        required: true,
        default: Some(TOKEN_ENDPOINT),
        hint: "Where tokens come from; sandboxes use `https://test.salesforce.com/services/oauth2/token`.",
        ..PLAIN
    },
    Field {
        key: "pattern",
        wso2_key: Some("sf-prov-pattern"),
        label: "Provisioning Pattern",
        kind: FieldKind::Pattern,
        default: Some("{UN}"),
        hint: "What the user name is made of: UN user name, UD user store domain, TD tenant domain, IDP connection name, \
               as in `{UD,UN}`.",
        ..PLAIN
    },
    Field {
        key: "separator",
        wso2_key: Some("sf-prov-separator"),
        label: "Provisioning Separator",
        default: Some("_"),
        hint: "The text between the parts of the pattern, for example `_`.",
        ..PLAIN
    },
    Field {
        key: "provisioning_domain",
        wso2_key: Some("sf-prov-domainName"),
        label: "Provisioning Domain",
        kind: FieldKind::Domain,
        hint: "Appended to the user name as `@domain`, since Salesforce wants the form of an address; for example \
               `acme.example`.",
        ..PLAIN
    },
];
