//! From a request to what it is about: the place its path names, and the operation the log and the faults call it by.

use http::Method;

use super::{
    Scim2,
    filter::{self, Bound},
    schema::Kind,
};
use crate::vendor::{self, Operation, Request};

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The token endpoint, outside the base path.
    Token,
    /// The base path itself.
    Root,
    Collection(Kind),
    Item(Kind, String),
    /// `.search`, of one kind or of all.
    Search(Option<Kind>),
    Bulk,
    Me,
    ServiceProviderConfig,
    ResourceTypes(Option<String>),
    Schemas(Option<String>),
    Unknown,
}

impl Place {
    /// Returns the methods that are answered here.
    pub(crate) fn methods(&self, put: bool) -> &'static [&'static str] {
        match (self, put) {
            (Self::Token | Self::Search(_) | Self::Bulk, _) => &["POST"],
            (
                Self::Root
                | Self::ServiceProviderConfig
                | Self::ResourceTypes(_)
                | Self::Schemas(_),
                _,
            ) => &["GET"],
            (Self::Collection(_), _) => &["GET", "POST"],
            (Self::Item(..), true) => &["GET", "PUT", "PATCH", "DELETE"],
            (Self::Item(..), false) => &["GET", "PATCH", "DELETE"],
            (Self::Me, _) => &["GET", "POST", "PUT", "PATCH", "DELETE"],
            (Self::Unknown, _) => &[],
        }
    }

    /// Tells whether the place is discovery, which may be read without credentials (RFC 7644, section 4).
    pub(crate) fn is_discovery(&self) -> bool {
        matches!(
            self,
            Self::ServiceProviderConfig | Self::ResourceTypes(_) | Self::Schemas(_)
        )
    }
}

impl Scim2 {
    /// Finds the place a path names, and the base path it is under.
    pub(crate) fn place(&self, request: &Request) -> (Place, String) {
        let segments = request.segments();
        if segments == ["token"] {
            return (Place::Token, self.settings.base_path.clone());
        }
        let bases = std::iter::once(&self.settings.base_path)
            .chain(&self.personality().http.extra_base_paths);
        for base in bases {
            let wanted: Vec<&str> = base
                .split('/')
                .filter(|segment| !segment.is_empty())
                .collect();
            if segments.len() >= wanted.len()
                && wanted
                    .iter()
                    .zip(&segments)
                    .all(|(wanted, sent)| wanted == sent)
            {
                return (
                    self.place_under(&segments[wanted.len()..]),
                    format!("/{}", wanted.join("/")),
                );
            }
        }
        (Place::Unknown, self.settings.base_path.clone())
    }

    /// Finds the place of a Bulk operation's path, which is relative to the base path.
    pub(crate) fn place_in_bulk(&self, path: &str) -> Option<Place> {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                percent_encoding::percent_decode_str(segment)
                    .decode_utf8_lossy()
                    .into_owned()
            })
            .collect();
        match self.place_under(&segments) {
            place @ (Place::Collection(_) | Place::Item(..)) => Some(place),
            _ => None,
        }
    }

    fn place_under(&self, segments: &[String]) -> Place {
        let ignore_case = self.personality().http.ignore_path_case;
        let is = |sent: &str, name: &str| {
            sent == name || (ignore_case && sent.eq_ignore_ascii_case(name))
        };
        let kind = |sent: &str| Kind::ALL.into_iter().find(|kind| is(sent, kind.endpoint()));
        match segments {
            [] => Place::Root,
            [one] if is(one, ".search") => Place::Search(None),
            [one] if is(one, "Bulk") => Place::Bulk,
            [one] if is(one, "Me") => Place::Me,
            [one] if is(one, "ServiceProviderConfig") => Place::ServiceProviderConfig,
            [one] if is(one, "ResourceTypes") => Place::ResourceTypes(None),
            [one] if is(one, "Schemas") => Place::Schemas(None),
            [one] => kind(one).map_or(Place::Unknown, Place::Collection),
            [one, id] if is(one, "ResourceTypes") => Place::ResourceTypes(Some(id.clone())),
            [one, id] if is(one, "Schemas") => Place::Schemas(Some(id.clone())),
            [one, id] => match kind(one) {
                Some(kind) if is(id, ".search") => Place::Search(Some(kind)),
                Some(kind) => Place::Item(kind, id.clone()),
                None => Place::Unknown,
            },
            _ => Place::Unknown,
        }
    }

    /// Names the operation and whom it is about.
    pub(crate) fn operation(&self, request: &Request) -> Operation {
        let (place, _) = self.place(request);
        let name = operation_name(&place, &request.method);
        let kind = match (&place, &request.method) {
            (Place::Token, _) => vendor::Kind::Token,
            (
                Place::ServiceProviderConfig
                | Place::ResourceTypes(_)
                | Place::Schemas(_)
                | Place::Unknown,
                _,
            ) => vendor::Kind::Meta,
            (Place::Root | Place::Search(_), _)
            | (_, &(Method::GET | Method::HEAD | Method::OPTIONS)) => vendor::Kind::Read,
            _ => vendor::Kind::Write,
        };
        Operation {
            name,
            subject: self.subject(request, &place),
            kind,
        }
    }

    /// Returns the name of whom a request is about: in the body, behind the id, or in the filter.
    fn subject(&self, request: &Request, place: &Place) -> Option<String> {
        match place {
            Place::Item(kind, id) => {
                let found = self.store.by_id(*kind, id);
                Some(found.map_or_else(|| id.clone(), |(_, row)| row.name.to_string()))
            }
            Place::Collection(kind) if request.method == Method::POST => {
                request.body_text(&[kind.naming_attribute()])
            }
            Place::Collection(kind) => self.filtered_name(*kind, &request.query_value("filter")?),
            Place::Search(Some(kind)) => {
                let body = request.body.json().ok()?;
                self.filtered_name(*kind, body.get("filter")?.as_str()?)
            }
            _ => None,
        }
    }

    /// Returns the name, or else the first value, that a filter asks for by `eq`.
    fn filtered_name(&self, kind: Kind, text: &str) -> Option<String> {
        let filter = filter::parse(text, self.personality().filters.unquoted).ok()?;
        let bound = Bound::new(&filter, kind).ok()?;
        let equalities = bound.equalities();
        let named = equalities
            .iter()
            .find(|equality| equality.attribute == kind.naming_attribute());
        named
            .or_else(|| equalities.first())
            .map(|equality| equality.value.to_owned())
    }
}

/// The names that [`Scim2::operation`] gives.
pub(crate) const OPERATIONS: [&str; 27] = [
    "token",
    "Users.create",
    "Users.list",
    "Users.search",
    "Users.get",
    "Users.replace",
    "Users.patch",
    "Users.delete",
    "Groups.create",
    "Groups.list",
    "Groups.search",
    "Groups.get",
    "Groups.replace",
    "Groups.patch",
    "Groups.delete",
    "Root.list",
    "Root.search",
    "Bulk",
    "Me.create",
    "Me.get",
    "Me.replace",
    "Me.patch",
    "Me.delete",
    "ServiceProviderConfig",
    "ResourceTypes",
    "Schemas",
    "unknown",
];

fn operation_name(place: &Place, method: &Method) -> &'static str {
    let user = |kind: &Kind| *kind == Kind::User;
    match (place, method.as_str()) {
        (Place::Token, _) => "token",
        (Place::Root, _) => "Root.list",
        (Place::Collection(kind), "POST") => pick(user(kind), "Users.create", "Groups.create"),
        (Place::Collection(kind), _) => pick(user(kind), "Users.list", "Groups.list"),
        (Place::Item(kind, _), "PUT") => pick(user(kind), "Users.replace", "Groups.replace"),
        (Place::Item(kind, _), "PATCH") => pick(user(kind), "Users.patch", "Groups.patch"),
        (Place::Item(kind, _), "DELETE") => pick(user(kind), "Users.delete", "Groups.delete"),
        (Place::Item(kind, _), _) => pick(user(kind), "Users.get", "Groups.get"),
        (Place::Search(None), _) => "Root.search",
        (Place::Search(Some(kind)), _) => pick(user(kind), "Users.search", "Groups.search"),
        (Place::Bulk, _) => "Bulk",
        (Place::Me, "POST") => "Me.create",
        (Place::Me, "PUT") => "Me.replace",
        (Place::Me, "PATCH") => "Me.patch",
        (Place::Me, "DELETE") => "Me.delete",
        (Place::Me, _) => "Me.get",
        (Place::ServiceProviderConfig, _) => "ServiceProviderConfig",
        (Place::ResourceTypes(_), _) => "ResourceTypes",
        (Place::Schemas(_), _) => "Schemas",
        (Place::Unknown, _) => "unknown",
    }
}

fn pick(first: bool, one: &'static str, other: &'static str) -> &'static str {
    if first { one } else { other }
}
