//! The attribute definitions: what is announced under `/Schemas` and, from the same tables, what is kept.
//!
//! One list for both is the point: a resource is shaped, filtered, patched and projected by walking these tables, so
//! nothing can be announced that is not kept, and nothing kept that is not announced.

mod group;
mod service;
mod user;

pub(crate) use group::GROUP;
pub(crate) use service::{RESOURCE_TYPE, SCHEMA, SERVICE_PROVIDER_CONFIG};
pub(crate) use user::{ENTERPRISE, USER};

/// The data type of an attribute (RFC 7643, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Boolean,
    Integer,
    DateTime,
    Reference,
    Binary,
    Complex,
}

/// Who may change an attribute, and when (RFC 7643, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an attribute is in an answer (RFC 7643, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returned {
    Always,
    Default,
    Request,
    Never,
}

/// How far a value must be unique (RFC 7643, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uniqueness {
    None,
    Server,
}

/// One attribute or sub-attribute with its characteristics (RFC 7643, section 7).
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) kind: Type,
    pub(crate) multi_valued: bool,
    pub(crate) required: bool,
    pub(crate) case_exact: bool,
    pub(crate) mutability: Mutability,
    pub(crate) returned: Returned,
    pub(crate) uniqueness: Uniqueness,
    pub(crate) canonical_values: &'static [&'static str],
    pub(crate) reference_types: &'static [&'static str],
    pub(crate) sub_attributes: &'static [Attribute],
}

impl Attribute {
    const fn new(name: &'static str, kind: Type, description: &'static str) -> Self {
        Self {
            name,
            description,
            kind,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: &[],
            reference_types: &[],
            sub_attributes: &[],
        }
    }

    const fn string(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::String, description)
    }

    const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::Boolean, description)
    }

    const fn integer(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::Integer, description)
    }

    const fn complex(
        name: &'static str,
        sub_attributes: &'static [Attribute],
        description: &'static str,
    ) -> Self {
        let mut made = Self::new(name, Type::Complex, description);
        made.sub_attributes = sub_attributes;
        made
    }

    const fn reference(
        name: &'static str,
        reference_types: &'static [&'static str],
        description: &'static str,
    ) -> Self {
        let mut made = Self::new(name, Type::Reference, description);
        made.reference_types = reference_types;
        made.case_exact = true;
        made
    }

    const fn many(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    const fn mutability(mut self, mutability: Mutability) -> Self {
        self.mutability = mutability;
        self
    }

    const fn read_only(self) -> Self {
        self.mutability(Mutability::ReadOnly)
    }

    const fn immutable(self) -> Self {
        self.mutability(Mutability::Immutable)
    }

    const fn returned(mut self, returned: Returned) -> Self {
        self.returned = returned;
        self
    }

    const fn unique(mut self, uniqueness: Uniqueness) -> Self {
        self.uniqueness = uniqueness;
        self
    }

    const fn one_of(mut self, canonical_values: &'static [&'static str]) -> Self {
        self.canonical_values = canonical_values;
        self
    }

    /// Returns the sub-attribute of this name, case ignored (RFC 7643, section 2.1).
    pub(crate) fn sub(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }

    /// Tells whether a value may be the primary one of its attribute.
    pub(crate) fn has_primary(&self) -> bool {
        self.multi_valued && self.sub("primary").is_some()
    }
}

/// A schema: a URN and the attributes under it.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) attributes: &'static [Attribute],
}

impl Schema {
    /// Returns the attribute of this name, case ignored.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// The attributes every resource has (RFC 7643, section 3.1). They belong to no schema and are not announced.
pub(crate) static COMMON: &[Attribute] = &[
    Attribute::reference("schemas", &["uri"], "The schemas in use.")
        .many()
        .returned(Returned::Always),
    Attribute::string("id", "The service provider's identifier.")
        .exact()
        .read_only()
        .returned(Returned::Always)
        .unique(Uniqueness::Server),
    Attribute::string("externalId", "The provisioning client's identifier.").exact(),
    Attribute::complex(
        "meta",
        &[
            Attribute::string("resourceType", "The resource type's name.")
                .exact()
                .read_only(),
            Attribute::new("created", Type::DateTime, "When the resource was added.").read_only(),
            Attribute::new(
                "lastModified",
                Type::DateTime,
                "When the resource was last changed.",
            )
            .read_only(),
            Attribute::reference("location", &["uri"], "The resource's address.").read_only(),
            Attribute::string("version", "The resource's entity tag.")
                .exact()
                .read_only(),
        ],
        "The resource's metadata.",
    )
    .read_only(),
];

/// The kinds of resource that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
}

impl Kind {
    /// Every kind, in the order discovery lists them.
    pub(crate) const ALL: [Self; 2] = [Self::User, Self::Group];

    /// Returns the resource type's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Returns the path segment under the base path.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// Returns the schema that every resource of this kind has.
    pub(crate) fn core(self) -> &'static Schema {
        match self {
            Self::User => &USER,
            Self::Group => &GROUP,
        }
    }

    /// Returns the schemas that a resource of this kind may have besides.
    pub(crate) fn extensions(self) -> &'static [&'static Schema] {
        static USER_EXTENSIONS: [&Schema; 1] = [&ENTERPRISE];
        match self {
            Self::User => &USER_EXTENSIONS,
            Self::Group => &[],
        }
    }

    /// Returns the extension with this URN, case ignored.
    pub(crate) fn extension(self, urn: &str) -> Option<&'static Schema> {
        self.extensions()
            .iter()
            .copied()
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// Returns the attribute that people know the resource by.
    pub(crate) fn naming_attribute(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }

    /// Returns the common or core attribute of this name, case ignored.
    pub(crate) fn attribute(self, name: &str) -> Option<&'static Attribute> {
        find(COMMON, name).or_else(|| self.core().attribute(name))
    }
}
