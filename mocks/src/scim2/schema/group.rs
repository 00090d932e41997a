//! The Group schema (RFC 7643, sections 4.2 and 8.7.1).

use super::{Attribute, Schema};

/// The core Group schema.
///
/// `members.display` is in the RFC's examples and not in its list; it is announced here because it is kept. A client
/// that sends none finds the member's own display name.
pub(crate) static GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "Group",
    attributes: &[
        Attribute::string("displayName", "The group's name.").required(),
        Attribute::complex(
            "members",
            &[
                Attribute::string("value", "The identifier of the member.")
                    .exact()
                    .immutable(),
                Attribute::reference("$ref", &["User", "Group"], "The address of the member.")
                    .immutable(),
                Attribute::string("type", "What the member is.")
                    .one_of(&["User", "Group"])
                    .immutable(),
                Attribute::string("display", "The member's name, for display only."),
            ],
            "The members of the group, users or groups.",
        )
        .many(),
    ],
};
