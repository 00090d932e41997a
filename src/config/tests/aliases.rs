//! Every property key of WSO2 Identity Server's connectors is taken for the setting that it means.

use std::path::Path;

use connectors::CATALOGUE;
use domain::FieldKind;

use crate::parse;

/// The keys as the connectors of WSO2 Identity Server know them: the factories of their outbound provisioning connectors.
const KEYS: &[(&str, &[(&str, &str)])] = &[
    (
        "googleapps",
        &[
            ("google_prov_domain_name", "google_domain"),
            ("google_prov_email_claim_dropdown", "primary_email_claim"),
            ("google_prov_givenname_claim_dropdown", "given_name_claim"),
            ("google_prov_familyname_claim_dropdown", "family_name_claim"),
            ("google_prov_service_acc_email", "service_account_email"),
            ("google_prov_private_key", "private_key"),
            ("google_prov_admin_email", "administrators_email"),
            ("google_prov_application_name", "application_name"),
            ("google_prov_pattern", "pattern"),
            ("google_prov_separator", "separator"),
            ("google_prov_givenname", "given_name_default"),
            ("google_prov_familyname", "family_name_default"),
        ],
    ),
    (
        "salesforce",
        &[
            ("sf-api-version", "api_version"),
            ("sf-domain-name", "domain_name"),
            ("sf-clientid", "client_id"),
            ("sf-client-secret", "client_secret"),
            ("sf-usePasswordGrant", "use_password_grant"),
            ("sf-username", "username"),
            ("sf-password", "password"),
            ("sf-token-endpoint", "token_endpoint"),
            ("sf-prov-pattern", "pattern"),
            ("sf-prov-separator", "separator"),
            ("sf-prov-domainName", "provisioning_domain"),
        ],
    ),
    (
        "SCIM2",
        &[
            ("scim2-authentication-mode", "authentication_mode"),
            ("scim2-username", "username"),
            ("scim2-password", "password"),
            ("scim2-access-token", "access_token"),
            ("scim2-api-key-header", "api_key_header"),
            ("scim2-api-key-value", "api_key_value"),
            ("scim2-client-id", "client_id"),
            ("scim2-client-secret", "client_secret"),
            ("scim2-token-endpoint", "token_endpoint"),
            ("scim2-scopes", "scopes"),
            ("scim2-user-ep", "user_endpoint"),
            ("scim2-group-ep", "group_endpoint"),
            ("scim2-user-store-domain", "user_store_domain"),
            (
                "scim2-enable-pwd-provisioning",
                "enable_password_provisioning",
            ),
            ("scim2-default-pwd", "default_password"),
        ],
    ),
];

/// A value that such a setting takes.
fn value(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "\"x\"",
        FieldKind::Domain => "\"acme.example\"",
        FieldKind::Email => "\"a@acme.example\"",
        FieldKind::Url => "\"http://localhost:9/x\"",
        FieldKind::Claim => "\"emailaddress\"",
        FieldKind::Flag => "false",
        FieldKind::Choice(_) => "\"none\"",
        FieldKind::Pattern => "\"{UN}\"",
        FieldKind::List => "[\"x\"]",
        FieldKind::Secret | FieldKind::SecretFile => "{ env = \"A_SECRET\" }",
    }
}

/// Reads a file with one connector that has all its settings, by one name of each or by the other.
fn configuration(kind: &str, names: &[(&str, &str)], readable: bool) -> String {
    let entry = CATALOGUE.find(kind).unwrap();
    let settings: Vec<String> = names
        .iter()
        .map(|(wso2, ours)| {
            let text = value(entry.field(ours).unwrap().kind);
            format!("{} = {text}", if readable { ours } else { wso2 })
        })
        .collect();
    let kind = if readable { entry.kind } else { kind };
    let text = format!(
        "organization = {{ name = \"a\", tenant_domain = \"a.example\" }}\n\
         [[connections]]\nid = \"x\"\n[[connections.connectors]]\ntype = \"{kind}\"\n{}\n",
        settings.join("\n")
    );
    let loaded = parse(&text, "x", Path::new(""), &CATALOGUE)
        .unwrap_or_else(|error| panic!("{text}\n{error}"));
    format!("{:#?}", loaded.configuration)
}

#[test]
fn a_setting_is_the_same_under_both_its_names() {
    for (kind, names) in KEYS {
        assert_eq!(
            configuration(kind, names, false),
            configuration(kind, names, true),
            "{kind}"
        );
    }
}

#[test]
fn the_catalogue_knows_these_keys_and_no_others() {
    for (kind, names) in KEYS {
        let entry = CATALOGUE.find(kind).unwrap();
        let mut known: Vec<(&str, &str)> = entry
            .fields
            .iter()
            .filter_map(|field| Some((field.wso2_key?, field.key)))
            .collect();
        let mut wanted = names.to_vec();
        known.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(known, wanted, "{kind}");
    }
}
