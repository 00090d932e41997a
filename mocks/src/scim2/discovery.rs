//! The discovery resources (RFC 7644, section 4): written from the schema tables and the personality, so that they
//! announce what is kept and done, and nothing else.

use serde_json::{Map, Value, json};

use super::{
    list::{CURSOR_SECONDS, LIST_SCHEMA},
    personality::Personality,
    schema::{
        Attribute, ENTERPRISE, GROUP, Kind, Mutability, RESOURCE_TYPE, Returned, SCHEMA,
        SERVICE_PROVIDER_CONFIG, Schema, Type, USER, Uniqueness,
    },
};

/// Returns `/ServiceProviderConfig` (RFC 7643, section 5; pagination: RFC 9865, section 4).
pub(crate) fn service_provider_config(personality: &Personality, base: &str) -> Value {
    let (features, lists) = (&personality.features, &personality.lists);
    json!({
        "schemas": [SERVICE_PROVIDER_CONFIG.id],
        "patch": {"supported": true},
        "bulk": {
            "supported": features.bulk,
            "maxOperations": if features.bulk { features.bulk_max_operations } else { 0 },
            "maxPayloadSize": if features.bulk { features.bulk_max_payload_bytes } else { 0 },
        },
        "filter": {"supported": personality.filters.announced, "maxResults": lists.max_page},
        "changePassword": {"supported": features.change_password},
        "sort": {"supported": features.sort},
        "etag": {"supported": features.etag},
        "pagination": {
            "cursor": lists.cursor,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": lists.default_page,
            "maxPageSize": lists.max_page,
            "cursorTimeout": CURSOR_SECONDS,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "A bearer token, fixed or from the token endpoint.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true,
            },
            {
                "type": "httpbasic",
                "name": "HTTP Basic",
                "description": "User name and password.",
                "specUri": "https://www.rfc-editor.org/info/rfc7617",
            },
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

/// Returns `/ResourceTypes`.
pub(crate) fn resource_types(personality: &Personality, base: &str) -> Value {
    list(
        personality,
        Kind::ALL
            .iter()
            .map(|kind| resource_type_of(*kind, base))
            .collect(),
    )
}

/// Returns one resource type by its id, which is its name.
pub(crate) fn resource_type(id: &str, base: &str) -> Option<Value> {
    Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == id)
        .map(|kind| resource_type_of(kind, base))
}

fn resource_type_of(kind: Kind, base: &str) -> Value {
    let mut made = json!({
        "schemas": [RESOURCE_TYPE.id],
        "id": kind.name(),
        "name": kind.name(),
        "description": kind.core().description,
        "endpoint": format!("/{}", kind.endpoint()),
        "schema": kind.core().id,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", kind.name())},
    });
    if !kind.extensions().is_empty() {
        let extensions = kind
            .extensions()
            .iter()
            .map(|schema| json!({"schema": schema.id, "required": false}));
        made["schemaExtensions"] = Value::Array(extensions.collect());
    }
    made
}

const ANNOUNCED: [&Schema; 6] = [
    &USER,
    &GROUP,
    &ENTERPRISE,
    &SERVICE_PROVIDER_CONFIG,
    &RESOURCE_TYPE,
    &SCHEMA,
];

/// Returns `/Schemas`.
pub(crate) fn schemas(personality: &Personality, base: &str) -> Value {
    list(
        personality,
        ANNOUNCED
            .iter()
            .map(|schema| schema_of(schema, personality, base))
            .collect(),
    )
}

/// Returns one schema by its URN, case ignored.
pub(crate) fn schema(id: &str, personality: &Personality, base: &str) -> Option<Value> {
    let found = ANNOUNCED
        .into_iter()
        .find(|schema| schema.id.eq_ignore_ascii_case(id))?;
    Some(schema_of(found, personality, base))
}

fn schema_of(schema: &Schema, personality: &Personality, base: &str) -> Value {
    let rules = &personality.resources;
    let is = |names: &[String], attribute: &Attribute| {
        names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(attribute.name))
    };
    let attributes = schema
        .attributes
        .iter()
        .filter(|attribute| !is(&rules.absent, attribute))
        .map(|attribute| {
            let mut made = attribute_of(attribute);
            if schema.id == USER.id && is(&rules.required, attribute) {
                made["required"] = Value::Bool(true);
            }
            made
        });
    json!({
        "schemas": [SCHEMA.id],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes.collect::<Vec<_>>(),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id)},
    })
}

fn attribute_of(attribute: &Attribute) -> Value {
    let mut made = Map::new();
    let mut set = |name: &str, value: Value| made.insert(name.to_owned(), value);
    set("name", attribute.name.into());
    set("type", type_word(attribute.kind).into());
    set("multiValued", attribute.multi_valued.into());
    set("description", attribute.description.into());
    set("required", attribute.required.into());
    if !matches!(attribute.kind, Type::Complex | Type::Boolean) {
        set("caseExact", attribute.case_exact.into());
    }
    set("mutability", mutability_word(attribute.mutability).into());
    set("returned", returned_word(attribute.returned).into());
    set("uniqueness", uniqueness_word(attribute.uniqueness).into());
    if !attribute.canonical_values.is_empty() {
        set("canonicalValues", Value::from(attribute.canonical_values));
    }
    if !attribute.reference_types.is_empty() {
        set("referenceTypes", Value::from(attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        set(
            "subAttributes",
            attribute.sub_attributes.iter().map(attribute_of).collect(),
        );
    }
    Value::Object(made)
}

fn list(personality: &Personality, resources: Vec<Value>) -> Value {
    let mut made = Map::new();
    made.insert("schemas".to_owned(), json!([LIST_SCHEMA]));
    if personality.lists.discovery_totals {
        made.insert("totalResults".to_owned(), resources.len().into());
        made.insert("startIndex".to_owned(), 1.into());
        made.insert("itemsPerPage".to_owned(), resources.len().into());
    }
    let key = if personality.lists.lower_case_resources {
        "resources"
    } else {
        "Resources"
    };
    made.insert(key.to_owned(), Value::Array(resources));
    Value::Object(made)
}

fn type_word(kind: Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Boolean => "boolean",
        Type::Integer => "integer",
        Type::DateTime => "dateTime",
        Type::Reference => "reference",
        Type::Binary => "binary",
        Type::Complex => "complex",
    }
}

fn mutability_word(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

fn returned_word(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Default => "default",
        Returned::Request => "request",
        Returned::Never => "never",
    }
}

fn uniqueness_word(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
    }
}
