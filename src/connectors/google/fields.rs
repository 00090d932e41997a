//! The settings of a Google connector, in the Console's order, then ours.

use domain::{Field, FieldKind};

/// The root of the Directory API.
pub(crate) const BASE_URL: &str = "https://admin.googleapis.com";
/// Google's token endpoint; also the audience of every assertion.
pub(crate) const TOKEN_ENDPOINT: &str = "https://oauth2.googleapis.com/token";

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

/// Every setting.
pub(crate) const FIELDS: &[Field] = &[
    Field {
        key: "google_domain",
        wso2_key: Some("google_prov_domain_name"),
        label: "Google Domain",
        kind: FieldKind::Domain,
        required: true,
        hint: "The Google Workspace domain that users go into, for example `acme.example`.",
        ..PLAIN
    },
    Field {
        key: "primary_email_claim",
        wso2_key: Some("google_prov_email_claim_dropdown"),
        label: "Primary Email Claim",
        kind: FieldKind::Claim,
        required: true,
        hint: "Such as `http://wso2.org/claims/emailaddress`. Kept for compatibility: the address comes from pattern \
               and domain.",
        ..PLAIN
    },
    Field {
        key: "given_name_claim",
        wso2_key: Some("google_prov_givenname_claim_dropdown"),
        label: "Given Name Claim",
        kind: FieldKind::Claim,
        required: true,
        hint: "The claim that becomes the given name, for example `http://wso2.org/claims/givenname`.",
        ..PLAIN
    },
    Field {
        key: "family_name_claim",
        wso2_key: Some("google_prov_familyname_claim_dropdown"),
        label: "Family Name Claim",
        kind: FieldKind::Claim,
        required: true,
        hint: "The claim that becomes the family name, for example `http://wso2.org/claims/lastname`.",
        ..PLAIN
    },
    Field {
        key: "service_account_email",
        wso2_key: Some("google_prov_service_acc_email"),
        label: "Service Account Email",
        kind: FieldKind::Email,
        required: true,
        hint: "The service account with domain-wide delegation, for example \
               `provisioning@project.iam.gserviceaccount.com`.",
        ..PLAIN
    },
    Field {
        key: "private_key",
        wso2_key: Some("google_prov_private_key"),
        label: "Private Key",
        kind: FieldKind::SecretFile,
        required: true,
        hint: "The service account's key from its creation: a JSON or P12 file, raw or base64.",
        ..PLAIN
    },
    Field {
        key: "administrators_email",
        wso2_key: Some("google_prov_admin_email"),
        label: "Administrator's Email",
        kind: FieldKind::Email,
        required: true,
        hint: "The administrator that the service account acts for, for example `tom@acme.example`.",
        ..PLAIN
    },
    Field {
        key: "application_name",
        wso2_key: Some("google_prov_application_name"),
        label: "Application Name",
        required: true,
        hint: "The name this client gives of itself to Google (User-Agent), for example `acme-provisioning`.",
        ..PLAIN
    },
    Field {
        key: "pattern",
        wso2_key: Some("google_prov_pattern"),
        label: "Google Outbound Provisioning pattern",
        kind: FieldKind::Pattern,
        default: Some("{UN}"),
        hint: "Made of UN user name, UD user store domain, TD tenant domain, IDP connection name, as in \
               `{UD,UN,TD,IDP}`.",
        ..PLAIN
    },
    Field {
        key: "separator",
        wso2_key: Some("google_prov_separator"),
        label: "Google Provisioning Separator",
        default: Some("_"),
        hint: "The text between the parts of the pattern, for example `_`.",
        ..PLAIN
    },
    Field {
        key: "given_name_default",
        wso2_key: Some("google_prov_givenname"),
        label: "Default Given Name",
        hint: "Used when the user has no given name; without it the user name is used.",
        ..PLAIN
    },
    Field {
        key: "family_name_default",
        wso2_key: Some("google_prov_familyname"),
        label: "Default Family Name",
        hint: "Used when the user has no family name; without it the user name is used.",
        ..PLAIN
    },
    Field {
        key: "base_url",
        label: "Directory API Address",
        kind: FieldKind::Url,
        default: Some(BASE_URL),
        hint: "The root of the Directory API; a mock's address in a rehearsal, for example `http://127.0.0.1:9101`.",
        ..PLAIN
    },
    Field {
        key: "token_endpoint",
        label: "Token Endpoint",
        kind: FieldKind::Url,
        default: Some(TOKEN_ENDPOINT),
        hint: "Where the assertion is exchanged for a token. Left at its default, the `token_uri` of a JSON key is used.",
        ..PLAIN
    },
];
