//! The schemas of the discovery resources themselves (RFC 7643, section 8.7.2; pagination: RFC 9865, section 4).

use super::{Attribute, Schema};

const SUPPORTED: Attribute = Attribute::boolean("supported", "Whether the operation is supported.")
    .required()
    .read_only();

const fn feature(name: &'static str, description: &'static str) -> Attribute {
    Attribute::complex(name, &[SUPPORTED], description)
        .required()
        .read_only()
}

/// The schema of `/ServiceProviderConfig`.
pub(crate) static SERVICE_PROVIDER_CONFIG: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
    name: "ServiceProviderConfig",
    description: "Schema for representing the service provider's configuration",
    attributes: &[
        Attribute::reference(
            "documentationUri",
            &["external"],
            "The address of human-readable help.",
        )
        .read_only(),
        feature("patch", "Whether PATCH is supported."),
        Attribute::complex(
            "bulk",
            &[
                SUPPORTED,
                Attribute::integer("maxOperations", "The most operations of one request.")
                    .required()
                    .read_only(),
                Attribute::integer("maxPayloadSize", "The most bytes of one request.")
                    .required()
                    .read_only(),
            ],
            "Whether and how far Bulk is supported.",
        )
        .required()
        .read_only(),
        Attribute::complex(
            "filter",
            &[
                SUPPORTED,
                Attribute::integer("maxResults", "The most resources of one answer.")
                    .required()
                    .read_only(),
            ],
            "Whether and how far filters are supported.",
        )
        .required()
        .read_only(),
        feature("changePassword", "Whether a password can be changed."),
        feature("sort", "Whether sorting is supported."),
        feature("etag", "Whether entity tags are supported."),
        Attribute::complex(
            "pagination",
            &[
                Attribute::boolean("cursor", "Whether cursor paging is supported.")
                    .required()
                    .read_only(),
                Attribute::boolean("index", "Whether index paging is supported.")
                    .required()
                    .read_only(),
                Attribute::string(
                    "defaultPaginationMethod",
                    "The method when a request names none.",
                )
                .one_of(&["cursor", "index"])
                .read_only(),
                Attribute::integer(
                    "defaultPageSize",
                    "The page size when a request names none.",
                )
                .read_only(),
                Attribute::integer("maxPageSize", "The most resources of one page.").read_only(),
                Attribute::integer("cursorTimeout", "The seconds a cursor lives.").read_only(),
            ],
            "Whether and how lists are paged.",
        )
        .read_only(),
        Attribute::complex(
            "authenticationSchemes",
            &[
                Attribute::string("type", "The kind of authentication.")
                    .required()
                    .read_only()
                    .one_of(&[
                        "oauth",
                        "oauth2",
                        "oauthbearertoken",
                        "httpbasic",
                        "httpdigest",
                    ]),
                Attribute::string("name", "The common name.")
                    .required()
                    .read_only(),
                Attribute::string("description", "What it is.")
                    .required()
                    .read_only(),
                Attribute::reference(
                    "specUri",
                    &["external"],
                    "The address of its specification.",
                )
                .read_only(),
                Attribute::reference(
                    "documentationUri",
                    &["external"],
                    "The address of its help.",
                )
                .read_only(),
                Attribute::boolean("primary", "Whether it is the preferred one.").read_only(),
            ],
            "The ways to authenticate.",
        )
        .many()
        .required()
        .read_only(),
    ],
};

/// The schema of `/ResourceTypes`.
pub(crate) static RESOURCE_TYPE: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
    name: "ResourceType",
    description: "Specifies the schema that describes a SCIM resource type",
    attributes: &[
        Attribute::string("name", "The resource type's name.")
            .required()
            .exact()
            .read_only(),
        Attribute::string("description", "What it is.").read_only(),
        Attribute::reference("endpoint", &["uri"], "The address under the base path.")
            .required()
            .read_only(),
        Attribute::reference("schema", &["uri"], "The core schema.")
            .required()
            .read_only(),
        Attribute::complex(
            "schemaExtensions",
            &[
                Attribute::reference("schema", &["uri"], "The extension's schema.")
                    .required()
                    .read_only(),
                Attribute::boolean("required", "Whether every resource has it.")
                    .required()
                    .read_only(),
            ],
            "The extensions of the resource type.",
        )
        .many()
        .read_only(),
    ],
};

const NAME: Attribute = Attribute::string("name", "The attribute's name.")
    .required()
    .exact()
    .read_only();
const DESCRIPTION: Attribute = Attribute::string("description", "What it is.").read_only();
const TYPE: Attribute = Attribute::string("type", "The data type.")
    .required()
    .read_only()
    .one_of(&[
        "string",
        "complex",
        "boolean",
        "decimal",
        "integer",
        "dateTime",
        "reference",
        "binary",
    ]);
const MULTI: Attribute = Attribute::boolean("multiValued", "Whether it holds several values.")
    .required()
    .read_only();
const REQUIRED: Attribute = Attribute::boolean("required", "Whether it must be there.").read_only();
const CANONICAL: Attribute = Attribute::string("canonicalValues", "The suggested values.")
    .many()
    .exact()
    .read_only();
const EXACT: Attribute = Attribute::boolean("caseExact", "Whether case counts.").read_only();
const MUTABILITY: Attribute = Attribute::string("mutability", "Who may change it.")
    .exact()
    .read_only()
    .one_of(&["readOnly", "readWrite", "immutable", "writeOnly"]);
const RETURNED: Attribute = Attribute::string("returned", "When it is in an answer.")
    .exact()
    .read_only()
    .one_of(&["always", "never", "default", "request"]);
const UNIQUENESS: Attribute = Attribute::string("uniqueness", "How far it is unique.")
    .exact()
    .read_only()
    .one_of(&["none", "server", "global"]);
const REFERENCES: Attribute = Attribute::string("referenceTypes", "What a reference may point to.")
    .many()
    .exact()
    .read_only();

/// The schema of `/Schemas`.
pub(crate) static SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Schema",
    name: "Schema",
    description: "Specifies the schema that describes a SCIM schema",
    attributes: &[
        Attribute::string("name", "The schema's name.")
            .required()
            .exact()
            .read_only(),
        DESCRIPTION,
        Attribute::complex(
            "attributes",
            &[
                NAME,
                DESCRIPTION,
                TYPE,
                MULTI,
                REQUIRED,
                CANONICAL,
                EXACT,
                MUTABILITY,
                RETURNED,
                UNIQUENESS,
                REFERENCES,
                Attribute::complex(
                    "subAttributes",
                    &[
                        NAME,
                        DESCRIPTION,
                        TYPE,
                        MULTI,
                        REQUIRED,
                        CANONICAL,
                        EXACT,
                        MUTABILITY,
                        RETURNED,
                        UNIQUENESS,
                        REFERENCES,
                    ],
                    "The attributes of a complex attribute.",
                )
                .many()
                .read_only(),
            ],
            "The attributes of the schema.",
        )
        .many()
        .required()
        .read_only(),
    ],
};
