//! The settings of a SCIM2 connector, in the Console's order; each mode's credentials show with that mode only.

use domain::{Field, FieldKind};

/// The words of the authentication modes, compared without case.
pub(crate) const MODES: &[&str] = &["basic", "bearer", "apiKey", "clientCredential", "none"];

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

const BASIC: Option<(&str, &[&str])> = Some(("authentication_mode", &["basic"]));
const BEARER: Option<(&str, &[&str])> = Some(("authentication_mode", &["bearer"]));
const API_KEY: Option<(&str, &[&str])> = Some(("authentication_mode", &["apiKey"]));
const CLIENT_CREDENTIAL: Option<(&str, &[&str])> =
    Some(("authentication_mode", &["clientCredential"]));

/// Every setting.
pub(crate) const FIELDS: &[Field] = &[
    Field {
        key: "authentication_mode",
        wso2_key: Some("scim2-authentication-mode"),
        label: "Authentication Mode",
        kind: FieldKind::Choice(MODES),
        required: true,
        default: Some("basic"),
        hint: "How requests are authenticated: `basic`, `bearer`, `apiKey`, `clientCredential` (OAuth2) or `none`.",
        ..PLAIN
    },
    Field {
        key: "username",
        wso2_key: Some("scim2-username"),
        label: "Username",
        required: true,
        hint: "The user name used at the SCIM2 application.",
        only_when: BASIC,
        ..PLAIN
    },
    Field {
        key: "password",
        wso2_key: Some("scim2-password"),
        label: "Password",
        kind: FieldKind::Secret,
        required: true,
        hint: "The password used at the SCIM2 application.",
        only_when: BASIC,
        ..PLAIN
    },
    Field {
        key: "access_token",
        wso2_key: Some("scim2-access-token"),
        label: "Access Token",
        kind: FieldKind::Secret,
        required: true,
        hint: "A long-lived token, sent as `Authorization: Bearer`.",
        only_when: BEARER,
        ..PLAIN
    },
    Field {
        key: "api_key_header",
        wso2_key: Some("scim2-api-key-header"),
        label: "API Key Header Name",
        required: true,
        hint: "The header that carries the API key, for example `X-API-Key`.",
        only_when: API_KEY,
        ..PLAIN
    },
    Field {
        key: "api_key_value",
        wso2_key: Some("scim2-api-key-value"),
        label: "API Key Value",
        kind: FieldKind::Secret,
        required: true,
        hint: "The API key, sent in the named header as it is.",
        only_when: API_KEY,
        ..PLAIN
    },
    Field {
        key: "client_id",
        wso2_key: Some("scim2-client-id"),
        label: "Client ID",
        required: true,
        hint: "The client of the OAuth2 client-credentials grant.",
        only_when: CLIENT_CREDENTIAL,
        ..PLAIN
    },
    Field {
        key: "client_secret",
        wso2_key: Some("scim2-client-secret"),
        label: "Client Secret",
        kind: FieldKind::Secret,
        required: true,
        hint: "That client's secret.",
        only_when: CLIENT_CREDENTIAL,
        ..PLAIN
    },
    Field {
        key: "token_endpoint",
        wso2_key: Some("scim2-token-endpoint"),
        label: "Token Endpoint",
        kind: FieldKind::Url,
        required: true,
        hint: "Where the client gets its tokens, for example `https://localhost:9443/oauth2/token`.",
        only_when: CLIENT_CREDENTIAL,
        ..PLAIN
    },
    Field {
        key: "scopes",
        wso2_key: Some("scim2-scopes"),
        label: "Scopes",
        hint: "The scopes to ask for, separated by blanks.",
        only_when: CLIENT_CREDENTIAL,
        ..PLAIN
    },
    Field {
        key: "user_endpoint",
        wso2_key: Some("scim2-user-ep"),
        label: "User Endpoint",
        kind: FieldKind::Url,
        required: true,
        hint: "The address of the users, for example `https://localhost:9443/scim2/Users`.",
        ..PLAIN
    },
    Field {
        key: "group_endpoint",
        wso2_key: Some("scim2-group-ep"),
        label: "Group Endpoint",
        kind: FieldKind::Url,
        hint: "The address of the groups, for example `https://localhost:9443/scim2/Groups`. Without it no group is \
               provisioned.",
        ..PLAIN
    },
    Field {
        key: "user_store_domain",
        wso2_key: Some("scim2-user-store-domain"),
        label: "User Store Domain",
        hint: "The user store that users go into at the target; put in front of every name as `DOMAIN/`.",
        ..PLAIN
    },
    Field {
        key: "enable_password_provisioning",
        wso2_key: Some("scim2-enable-pwd-provisioning"),
        label: "Enable Password Provisioning",
        kind: FieldKind::Flag,
        default: Some("true"),
        hint: "On: the user's own password goes with a create when it is known, else a random one.",
        ..PLAIN
    },
    Field {
        key: "default_password",
        wso2_key: Some("scim2-default-pwd"),
        label: "Default Password",
        kind: FieldKind::Secret,
        hint: "A password for every new user, sent instead.",
        ..PLAIN
    },
];
