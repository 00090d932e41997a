//! What the Salesforce User object can hold and do.

use domain::{
    ConnectorType, Deprovision, Form, NameRule, PasswordRule, Starter, StartsFrom, TargetSpec,
};

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
        // What the object reference requires of a User; the constants are those of an organization in the United States.
        starters: &[
            from("Alias", StartsFrom::Claim("givenname", Some("user"))),
            from("Email", StartsFrom::Claim("emailaddress", None)),
            from("LastName", StartsFrom::Claim("lastname", None)),
            from("FirstName", StartsFrom::Claim("givenname", None)),
            from("EmailEncodingKey", StartsFrom::Constant("UTF-8")),
            from("LanguageLocaleKey", StartsFrom::Constant("en_US")),
            from("LocaleSidKey", StartsFrom::Constant("en_US")),
            from(
                "TimeZoneSidKey",
                StartsFrom::Constant("America/Los_Angeles"),
            ),
            from(
                "ProfileId",
                StartsFrom::Asked(
                    "The id of the profile that new users get, as it stands in the address of that profile under Setup: \
                     `00e` and 12 or 15 more characters.",
                ),
            ),
        ],
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
        active_attributes: &["IsActive"],
        normal,
        reserved: &["Id", "Username"],
        groups: false,
        password: PasswordRule::Never,
        default_deprovision: Deprovision::Deactivate,
        can_delete: false,
        address_settings: &["domain_name", "token_endpoint"],
    },
};

const fn from(remote: &'static str, from: StartsFrom) -> Starter {
    Starter { remote, from }
}

/// Names and addresses are kept in lower case. An id is written with 15 characters or, with its case checksum, with 18.
fn normal(field: &str, text: &str) -> String {
    if ["Username", "Email"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(field))
    {
        return text.to_lowercase();
    }
    let is_id = field.ends_with("Id") && text.chars().all(|c| c.is_ascii_alphanumeric());
    if is_id && text.len() == 18 {
        return text[..15].to_owned();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_with_and_without_its_checksum() {
        for (field, text, kept) in [
            ("ProfileId", "00e300000000001AAA", "00e300000000001"),
            ("ProfileId", "00e300000000001", "00e300000000001"),
            ("Title", "00e300000000001AAA", "00e300000000001AAA"),
            ("Email", "Kim@Acme.example", "kim@acme.example"),
        ] {
            assert_eq!(normal(field, text), kept);
        }
    }
}
