//! What a SCIM 2.0 service provider can hold and do.

use domain::{
    ConnectorType, DefaultMapping, Deprovision, Fallback, Form, MappedFrom, NameRule, PasswordRule,
    TargetSpec,
};

use super::fields::FIELDS;

/// The connector type `scim2`.
pub(crate) const SCIM2: ConnectorType = ConnectorType {
    kind: "scim2",
    wso2_name: "SCIM2",
    label: "SCIM2",
    fields: FIELDS,
    target: TargetSpec {
        name: NameRule::UserName {
            store_domain: "user_store_domain",
        },
        name_attribute: "userName",
        name_form: Form::Any,
        default_mappings: &[
            claim("name.givenName", "givenname"),
            claim("name.familyName", "lastname"),
            claim("displayName", "displayName"),
            claim("nickName", "nickname"),
            claim("emails[type eq \"work\"].value", "emailaddress"),
            claim("phoneNumbers[type eq \"work\"].value", "telephone"),
            claim("phoneNumbers[type eq \"mobile\"].value", "mobile"),
            claim("title", "title"),
            claim("profileUrl", "url"),
            claim("preferredLanguage", "preferredLanguage"),
            claim("timezone", "timeZone"),
            claim(
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
                "employeeNumber",
            ),
            claim(
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                "department",
            ),
            claim(
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
                "organization",
            ),
        ],
        starters: &[],
        // RFC 7643, section 4.1.1: userName is the only attribute that must be there.
        required: &[],
        max_lengths: &[],
        forms: &[],
        booleans: &["active"],
        active_attributes: &["active"],
        normal,
        reserved: &[
            "id",
            "externalId",
            "schemas",
            "meta",
            "userName",
            "password",
            "groups",
            "members",
        ],
        groups: true,
        password: PasswordRule::Provisioned {
            enabled: "enable_password_provisioning",
            default: "default_password",
        },
        default_deprovision: Deprovision::Delete,
        can_delete: true,
        address_settings: &["user_endpoint", "group_endpoint", "token_endpoint"],
    },
};

const fn claim(remote: &'static str, claim: &'static str) -> DefaultMapping {
    DefaultMapping {
        remote,
        from: MappedFrom::Claim(claim),
        fallback: Fallback::None,
    }
}

/// Names and addresses compare without case (RFC 7643, sections 4.1.1 and 4.1.2), and some servers keep them in lower case.
fn normal(field: &str, text: &str) -> String {
    let name = field.split(['.', '[']).next().unwrap_or(field);
    if ["userName", "emails"]
        .iter()
        .any(|folded| folded.eq_ignore_ascii_case(name))
    {
        text.to_lowercase()
    } else {
        text.to_owned()
    }
}
