//! The User schema and the enterprise extension (RFC 7643, sections 4.1, 4.3 and 8.7.1).

use super::{Attribute, Mutability, Returned, Schema, Type, Uniqueness};

const DISPLAY: Attribute = Attribute::string("display", "A human-readable name, for display only.");
const PRIMARY: Attribute = Attribute::boolean(
    "primary",
    "Whether this is the preferred value; true at most once.",
);

const fn kind_of_value(canonical: &'static [&'static str]) -> Attribute {
    Attribute::string("type", "A label of the value's function.").one_of(canonical)
}

/// The core User schema.
pub(crate) static USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute::string(
            "userName",
            "The unique name the user signs in with, compared without case.",
        )
        .required()
        .unique(Uniqueness::Server),
        Attribute::complex(
            "name",
            &[
                Attribute::string("formatted", "The full name, formatted for display."),
                Attribute::string("familyName", "The family name, or last name."),
                Attribute::string("givenName", "The given name, or first name."),
                Attribute::string("middleName", "The middle names."),
                Attribute::string("honorificPrefix", "The titles before the name."),
                Attribute::string("honorificSuffix", "The suffixes after the name."),
            ],
            "The components of the user's name.",
        ),
        Attribute::string("displayName", "The name shown to others."),
        Attribute::string("nickName", "The casual way to address the user."),
        Attribute::reference(
            "profileUrl",
            &["external"],
            "The address of the user's online profile.",
        ),
        Attribute::string("title", "The user's title, such as Vice President."),
        Attribute::string(
            "userType",
            "How organization and user relate, such as Employee.",
        ),
        Attribute::string(
            "preferredLanguage",
            "The preferred language, as in Accept-Language.",
        ),
        Attribute::string("locale", "The location used to format dates and numbers."),
        Attribute::string(
            "timezone",
            "The time zone in the form of the IANA database.",
        ),
        Attribute::boolean("active", "Whether the user may use the service."),
        Attribute::string("password", "The clear-text password; written, never read.")
            .mutability(Mutability::WriteOnly)
            .returned(Returned::Never),
        Attribute::complex(
            "emails",
            &[
                Attribute::string("value", "The e-mail address."),
                DISPLAY,
                kind_of_value(&["work", "home", "other"]),
                PRIMARY,
            ],
            "The user's e-mail addresses.",
        )
        .many(),
        Attribute::complex(
            "phoneNumbers",
            &[
                Attribute::string("value", "The phone number."),
                DISPLAY,
                kind_of_value(&["work", "home", "mobile", "fax", "pager", "other"]),
                PRIMARY,
            ],
            "The user's phone numbers.",
        )
        .many(),
        Attribute::complex(
            "ims",
            &[
                Attribute::string("value", "The instant messaging address."),
                DISPLAY,
                kind_of_value(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
                PRIMARY,
            ],
            "The user's instant messaging addresses.",
        )
        .many(),
        Attribute::complex(
            "photos",
            &[
                Attribute::reference("value", &["external"], "The address of a photo."),
                DISPLAY,
                kind_of_value(&["photo", "thumbnail"]),
                PRIMARY,
            ],
            "Addresses of photos of the user.",
        )
        .many(),
        Attribute::complex(
            "addresses",
            &[
                Attribute::string("formatted", "The full address, formatted for display."),
                Attribute::string("streetAddress", "Street, house number, post office box."),
                Attribute::string("locality", "The city or locality."),
                Attribute::string("region", "The state or region."),
                Attribute::string("postalCode", "The postal code."),
                Attribute::string("country", "The country, as ISO 3166-1 alpha-2."),
                kind_of_value(&["work", "home", "other"]),
                PRIMARY,
            ],
            "The user's physical addresses.",
        )
        .many(),
        Attribute::complex(
            "groups",
            &[
                Attribute::string("value", "The identifier of the group.")
                    .exact()
                    .read_only(),
                Attribute::reference("$ref", &["Group"], "The address of the group.").read_only(),
                Attribute::string("display", "The group's name.").read_only(),
                Attribute::string("type", "How the user is a member.")
                    .one_of(&["direct", "indirect"])
                    .read_only(),
            ],
            "The groups the user belongs to, directly or through nested groups.",
        )
        .many()
        .read_only(),
        Attribute::complex(
            "entitlements",
            &[
                Attribute::string("value", "The entitlement."),
                DISPLAY,
                kind_of_value(&[]),
                PRIMARY,
            ],
            "The things the user has.",
        )
        .many(),
        Attribute::complex(
            "roles",
            &[
                Attribute::string("value", "The role."),
                DISPLAY,
                kind_of_value(&[]),
                PRIMARY,
            ],
            "What the user is, such as Student.",
        )
        .many(),
        Attribute::complex(
            "x509Certificates",
            &[
                Attribute::new("value", Type::Binary, "The certificate, DER in base64.").exact(),
                DISPLAY,
                kind_of_value(&[]),
                PRIMARY,
            ],
            "Certificates issued to the user.",
        )
        .many(),
    ],
};

/// The enterprise extension.
///
/// `manager.displayName` is returned on request only: it is read from the manager, and a client that compares what it
/// wrote with what it reads would otherwise find a value it never sent.
pub(crate) static ENTERPRISE: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[
        Attribute::string(
            "employeeNumber",
            "The number or code that the organization gave.",
        ),
        Attribute::string("costCenter", "The name of a cost center."),
        Attribute::string("organization", "The name of an organization."),
        Attribute::string("division", "The name of a division."),
        Attribute::string("department", "The name of a department."),
        Attribute::complex(
            "manager",
            &[
                Attribute::string("value", "The identifier of the manager's user.").exact(),
                Attribute::reference("$ref", &["User"], "The address of the manager's user."),
                Attribute::string("displayName", "The manager's display name.")
                    .read_only()
                    .returned(Returned::Request),
            ],
            "The user's manager.",
        ),
    ],
};
