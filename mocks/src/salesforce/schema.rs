//! What objects and fields exist: the one list that writing, reading, describing and querying go by.

use std::{borrow::Cow, collections::HashMap};

use super::{id::Id, objects, picklists::Choice, user::Places};

/// A field may be empty.
pub(crate) const NILLABLE: u16 = 1;
/// A field may be given on create.
pub(crate) const CREATE: u16 = 1 << 1;
/// A field may be given on update.
pub(crate) const UPDATE: u16 = 1 << 2;
/// No two records hold the same value (case aside).
pub(crate) const UNIQUE: u16 = 1 << 3;
/// A custom external id.
pub(crate) const EXTERNAL: u16 = 1 << 4;
/// A standard field that upsert and get by key go by (`idLookup`).
pub(crate) const LOOKUP: u16 = 1 << 5;
/// The vendor fills it in when it is absent on create.
pub(crate) const DEFAULTED: u16 = 1 << 6;
/// A picklist that takes no other values.
pub(crate) const RESTRICTED: u16 = 1 << 7;
/// The name of the record.
pub(crate) const NAME: u16 = 1 << 8;
/// Computed from other fields.
pub(crate) const CALCULATED: u16 = 1 << 9;
/// Writable on create and update.
pub(crate) const WRITE: u16 = CREATE | UPDATE;

/// The type of a field, as `describe` words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `id`
    Id,
    /// `string`
    Text,
    /// `textarea`
    TextArea,
    /// `email`
    Email,
    /// `phone`
    Phone,
    /// `url`
    Url,
    /// `picklist`
    Picklist,
    /// `boolean`
    Boolean,
    /// `int`
    Integer,
    /// `double`
    Double,
    /// `date`
    Date,
    /// `datetime`
    DateTime,
    /// `reference`
    Reference,
    /// `address`, a compound of other fields
    Address,
}

impl Kind {
    /// The type in `describe`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "string",
            Self::TextArea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Picklist => "picklist",
            Self::Boolean => "boolean",
            Self::Integer => "int",
            Self::Double => "double",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Reference => "reference",
            Self::Address => "address",
        }
    }

    /// The SOAP type in `describe`.
    pub(crate) fn soap_word(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Boolean => "xsd:boolean",
            Self::Integer => "xsd:int",
            Self::Double => "xsd:double",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Address => "urn:address",
            Self::Text
            | Self::TextArea
            | Self::Email
            | Self::Phone
            | Self::Url
            | Self::Picklist => "xsd:string",
        }
    }

    /// Tells whether values are text between quotes in a query.
    pub(crate) fn is_text(self) -> bool {
        match self {
            Self::Id
            | Self::Text
            | Self::TextArea
            | Self::Email
            | Self::Phone
            | Self::Url
            | Self::Picklist
            | Self::Reference => true,
            Self::Boolean
            | Self::Integer
            | Self::Double
            | Self::Date
            | Self::DateTime
            | Self::Address => false,
        }
    }
}

/// One field of an object.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: Cow<'static, str>,
    pub(crate) label: Cow<'static, str>,
    pub(crate) kind: Kind,
    /// In characters; zero where the type has none.
    pub(crate) length: usize,
    flags: u16,
    pub(crate) choices: &'static [Choice],
    /// The object a reference points to and the name of the way there.
    pub(crate) refers: Option<(&'static str, &'static str)>,
}

impl Field {
    /// Makes a field.
    pub(crate) fn new(
        name: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        kind: Kind,
        length: usize,
        flags: u16,
    ) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind,
            length,
            flags,
            choices: &[],
            refers: None,
        }
    }

    /// Gives a picklist its values.
    pub(crate) fn choices(mut self, choices: &'static [Choice]) -> Self {
        self.choices = choices;
        self
    }

    /// Makes a reference point somewhere.
    pub(crate) fn refers(mut self, object: &'static str, relationship: &'static str) -> Self {
        self.refers = Some((object, relationship));
        self
    }

    /// Tells whether one of the flags is set.
    pub(crate) fn has(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    /// Tells whether the vendor refuses a record without it.
    pub(crate) fn is_required(&self) -> bool {
        self.has(CREATE) && !self.has(NILLABLE | DEFAULTED) && self.kind != Kind::Boolean
    }

    /// Tells whether a record can be addressed by it.
    pub(crate) fn is_key(&self) -> bool {
        self.has(EXTERNAL | LOOKUP)
    }

    /// Tells whether a search by equality goes through an index.
    pub(crate) fn is_indexed(&self) -> bool {
        self.has(EXTERNAL | LOOKUP | UNIQUE)
    }

    /// Tells whether it was added by the organization.
    pub(crate) fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }
}

/// No field has a longer name, in bytes. The vendor allows 40 characters and what it puts around them.
const LONGEST: usize = 128;

/// One object type.
#[derive(Debug, Clone)]
pub(crate) struct ObjectType {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) createable: bool,
    pub(crate) updateable: bool,
    pub(crate) deletable: bool,
    pub(crate) fields: Vec<Field>,
    /// Names in lower case with their places, sorted by length, then by letters: most comparisons look at the length
    /// only, and together they are cheaper than hashing the name.
    names: Vec<(Box<[u8]>, usize)>,
    ways: HashMap<String, usize>,
}

impl ObjectType {
    /// Makes an object type.
    pub(crate) fn new(
        name: &'static str,
        plural: &'static str,
        prefix: &'static str,
        fields: Vec<Field>,
    ) -> Self {
        let mut object = Self {
            name,
            label: name,
            plural,
            prefix,
            createable: false,
            updateable: false,
            deletable: false,
            fields: Vec::new(),
            names: Vec::new(),
            ways: HashMap::new(),
        };
        for field in fields {
            object.add(field);
        }
        object
    }

    /// Says what may be done with records.
    pub(crate) fn allows(mut self, create: bool, update: bool, delete: bool) -> Self {
        (self.createable, self.updateable, self.deletable) = (create, update, delete);
        self
    }

    /// Gives it a label that differs from its name.
    pub(crate) fn labelled(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    /// Adds a field at the end.
    pub(crate) fn add(&mut self, field: Field) {
        let place = self.fields.len();
        let name = field.name.to_ascii_lowercase().into_bytes();
        debug_assert!(name.len() <= LONGEST, "{} is never found", field.name);
        match self.search(&name) {
            Ok(known) => self.names[known].1 = place,
            Err(at) => self.names.insert(at, (name.into(), place)),
        }
        if let Some((_, way)) = field.refers {
            self.ways.insert(way.to_ascii_lowercase(), place);
        }
        self.fields.push(field);
    }

    /// Finds a field by name, ignoring case.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let mut lower = [0; LONGEST];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        self.search(lower).ok().map(|found| self.names[found].1)
    }

    /// Finds where a name in lower case stands among the sorted ones, or where it would.
    fn search(&self, name: &[u8]) -> Result<usize, usize> {
        self.names.binary_search_by(|(known, _)| {
            let by_length = known.len().cmp(&name.len());
            by_length.then_with(|| (**known).cmp(name))
        })
    }

    /// Finds the reference field behind a relationship's name, ignoring case.
    pub(crate) fn find_way(&self, name: &str) -> Option<usize> {
        self.ways.get(&name.to_ascii_lowercase()).copied()
    }

    /// Returns the place of a field that this object surely has.
    pub(crate) fn at(&self, name: &str) -> usize {
        self.find(name)
            .unwrap_or_else(|| unreachable!("{} has no field {name}", self.name))
    }
}

/// Which object, as a place in the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Object(pub(crate) usize);

/// `User`, the first of the schema.
pub(crate) const USER: Object = Object(0);
/// `Profile`.
pub(crate) const PROFILE: Object = Object(1);
/// `UserLicense`.
pub(crate) const LICENCE: Object = Object(2);
/// `Organization`.
pub(crate) const ORGANIZATION: Object = Object(3);
/// `UserRole`.
pub(crate) const ROLE: Object = Object(4);
/// `PermissionSet`.
pub(crate) const PERMISSION_SET: Object = Object(5);
/// `Group`.
pub(crate) const GROUP: Object = Object(7);

/// Every object type of the organization.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) objects: Vec<ObjectType>,
    /// Where the fields of a user are that rules are about; fields are only ever added behind them.
    pub(crate) user: Places,
}

impl Default for Schema {
    fn default() -> Self {
        let objects = objects::all();
        Self {
            user: Places::of(&objects[USER.0]),
            objects,
        }
    }
}

impl Schema {
    /// Finds an object by name, ignoring case as the vendor does in paths and queries.
    pub(crate) fn find(&self, name: &str) -> Option<Object> {
        self.objects
            .iter()
            .position(|object| object.name.eq_ignore_ascii_case(name))
            .map(Object)
    }

    /// Finds the object that an id belongs to.
    pub(crate) fn of(&self, id: Id) -> Option<Object> {
        let place = self
            .objects
            .iter()
            .position(|object| object.prefix == id.prefix());
        place.map(Object)
    }

    /// Returns the type of an object.
    pub(crate) fn get(&self, object: Object) -> &ObjectType {
        &self.objects[object.0]
    }

    /// Follows a reference field to the object it points to.
    pub(crate) fn target(&self, field: &Field) -> Option<Object> {
        field.refers.and_then(|(name, _)| self.find(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_places_hold_what_their_names_say() {
        let schema = Schema::default();
        let named = [
            (USER, "User"),
            (PROFILE, "Profile"),
            (LICENCE, "UserLicense"),
            (ORGANIZATION, "Organization"),
            (ROLE, "UserRole"),
            (PERMISSION_SET, "PermissionSet"),
            (GROUP, "Group"),
        ];
        for (object, name) in named {
            assert_eq!(schema.get(object).name, name);
        }
    }

    #[test]
    fn every_reference_points_to_an_object_or_to_nothing_we_keep() {
        let schema = Schema::default();
        let without: Vec<_> = schema
            .objects
            .iter()
            .flat_map(|object| &object.fields)
            .filter(|field| field.kind == Kind::Reference && schema.target(field).is_none())
            .map(|field| field.name.as_ref())
            .collect();
        // Objects this mock does not keep: accounts, contacts, call centers, individuals, queues' owners.
        assert_eq!(
            without,
            ["ContactId", "AccountId", "CallCenterId", "IndividualId"]
        );
    }

    #[test]
    fn exactly_the_documented_fields_of_a_user_are_required() {
        let schema = Schema::default();
        let mut required: Vec<_> = schema
            .get(USER)
            .fields
            .iter()
            .filter(|field| field.is_required())
            .map(|field| field.name.as_ref())
            .collect();
        required.sort_unstable();
        assert_eq!(
            required,
            [
                "Alias",
                "Email",
                "EmailEncodingKey",
                "LanguageLocaleKey",
                "LastName",
                "LocaleSidKey",
                "ProfileId",
                "TimeZoneSidKey",
                "Username"
            ]
        );
    }
}
