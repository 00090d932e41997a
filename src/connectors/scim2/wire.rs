//! The shapes on the SCIM wire: resources, patches, filters (RFC 7643, RFC 7644).

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use domain::{AttributeChange, Object, Order, RemoteAccount, RemoteId};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::discovery::truth;
use crate::confirm::{self, MEMBERS};
use crate::path::{AttributePath, find};

/// The media type of what is sent (RFC 7644, section 8.1).
pub(crate) const CONTENT: &str = "application/scim+json";
/// What may come back.
pub(crate) const ACCEPTED: &str = "application/scim+json, application/json";

const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// So many members are changed by one PATCH at most (AWS IAM Identity Center takes no more than 100).
const MEMBERS_AT_ONCE: usize = 100;

/// Attributes of the core schema that hold a list of complex values (RFC 7643, section 4.1.2).
const PLURAL: &[&str] = &[
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
    "x509Certificates",
];

/// Returns the attribute that holds the name.
pub(crate) fn name_attribute(object: Object) -> &'static str {
    match object {
        Object::User => "userName",
        Object::Group => "displayName",
    }
}

/// Returns a whole resource to be created. The external id is ours, so that it can be found again.
pub(crate) fn resource(order: &Order<'_>) -> Value {
    let object = order.object();
    let mut resource = json!({
        "schemas": [match object { Object::User => CORE_USER, Object::Group => CORE_GROUP }],
        "externalId": order.desired.local.uuid().to_string(),
    });
    set(
        &mut resource,
        name_attribute(object),
        order.desired.remote_name.as_str(),
    );
    if object == Object::User {
        set(&mut resource, "active", true);
        if let Some(password) = order.password {
            set(&mut resource, "password", password.expose());
        }
    } else {
        resource[MEMBERS] = member_values(confirm::member_ids(order));
    }
    write(&mut resource, order);
    resource
}

/// Returns a resource as the target has it, brought to the desired state, to replace the whole.
pub(crate) fn replaced(current: &Value, order: &Order<'_>, active: Option<bool>) -> Value {
    let object = order.object();
    let mut resource = current.clone();
    if let Some(fields) = resource.as_object_mut() {
        // Read-only, and some servers take offence: RFC 7644, section 3.5.1 says that they are ignored.
        fields.retain(|name, _| {
            !["meta", "groups", "password"]
                .iter()
                .any(|read_only| name.eq_ignore_ascii_case(read_only))
        });
    }
    if find(&resource, "externalId").is_none_or(|id| id.as_str().is_none_or(str::is_empty)) {
        set(
            &mut resource,
            "externalId",
            order.desired.local.uuid().to_string(),
        );
    }
    set(
        &mut resource,
        name_attribute(object),
        order.desired.remote_name.as_str(),
    );
    for change in changed_attributes(order) {
        let path = path(&change.remote);
        path.put(&mut resource, &shaped(&path, &change.after));
    }
    write(&mut resource, order);
    if let Some(active) = active {
        set(&mut resource, "active", active);
    }
    if let (Object::User, Some(password)) = (object, order.password) {
        set(&mut resource, "password", password.expose());
    }
    if object == Object::Group {
        let change = MemberChange::of(order);
        let mut members = members_of(current);
        members.retain(|id| !change.removed.contains(id));
        members.extend(change.added);
        set(
            &mut resource,
            MEMBERS,
            member_values(members.iter().map(String::as_str).collect()),
        );
    }
    resource
}

/// Writes every desired attribute, and the URN of every extension that one of them belongs to.
fn write(resource: &mut Value, order: &Order<'_>) {
    for attribute in &order.desired.attributes {
        let path = path(&attribute.remote);
        path.put(resource, &shaped(&path, &attribute.value));
        if let (Some(schema), false) = (&path.schema, attribute.value.is_null()) {
            announce(resource, schema);
        }
    }
}

fn announce(resource: &mut Value, schema: &str) {
    if let Some(schemas) = resource.get_mut("schemas").and_then(Value::as_array_mut)
        && !schemas.iter().any(|known| known.as_str() == Some(schema))
    {
        schemas.push(schema.into());
    }
}

fn set(resource: &mut Value, name: &str, value: impl Into<Value>) {
    AttributePath::parse(name).put(resource, &value.into());
}

/// So many paths of mappings are kept by each thread; a configuration has a few dozen.
const PATHS: usize = 512;

thread_local! {
    static KNOWN_PATHS: RefCell<HashMap<String, Rc<AttributePath>>> = RefCell::default();
}

/// Reads a path of a mapping, or remembers how it was read: the same few stand in every request.
fn path(text: &str) -> Rc<AttributePath> {
    KNOWN_PATHS.with_borrow_mut(|known| {
        if let Some(path) = known.get(text) {
            return Rc::clone(path);
        }
        if known.len() >= PATHS {
            known.clear();
        }
        let path = Rc::new(read_path(text));
        known.insert(text.to_owned(), Rc::clone(&path));
        path
    })
}

/// Reads a path of a mapping; the `value` of a list without a filter is the list itself, and the URN of a core schema
/// says nothing new.
fn read_path(text: &str) -> AttributePath {
    let mut path = AttributePath::parse(text);
    if path.filter.is_empty() && is_plural(&path) && path.is_element_value() {
        path.rest.clear();
    }
    if path.schema.as_deref().is_some_and(|schema| {
        schema.eq_ignore_ascii_case(CORE_USER) || schema.eq_ignore_ascii_case(CORE_GROUP)
    }) {
        path.schema = None;
    }
    path
}

fn is_plural(path: &AttributePath) -> bool {
    path.schema.is_none()
        && PLURAL
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&path.name))
}

/// Gives a plain value for a list of complex ones their shape: `[{"value": …}]`, the first one primary.
fn shaped(path: &AttributePath, value: &Value) -> Value {
    if !is_plural(path) || !path.filter.is_empty() || !path.rest.is_empty() || value.is_null() {
        return value.clone();
    }
    let items = match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    items
        .into_iter()
        .enumerate()
        .map(|(at, item)| match item {
            Value::Object(_) => item,
            plain if at == 0 => json!({"value": plain, "primary": true}),
            plain => json!({"value": plain}),
        })
        .collect()
}

/// Reads an attribute of a resource as it is written; `None` when the resource does not show it.
pub(crate) fn shown(object: Object, resource: &Value, name: &str) -> Option<Value> {
    if object == Object::Group && name == MEMBERS {
        find(resource, MEMBERS)?;
        return Some(members_of(resource).into_iter().collect());
    }
    let path = path(name);
    let value = path.get(resource)?;
    if !(is_plural(&path) && path.filter.is_empty() && path.rest.is_empty()) {
        return Some(value.clone());
    }
    let items = value.as_array()?;
    Some(
        items
            .iter()
            .map(|item| find(item, "value").unwrap_or(item).clone())
            .collect(),
    )
}

/// Returns the changes that are neither the name nor the members.
fn changed_attributes<'o>(order: &Order<'o>) -> impl Iterator<Item = &'o AttributeChange> {
    let changes: &'o [AttributeChange] = order.changes;
    let object = order.object();
    changes.iter().filter(move |change| {
        change.remote != name_attribute(object)
            && change.remote != "password"
            && !(object == Object::Group && change.remote == MEMBERS)
    })
}

/// Returns the operations that bring a user, or a group without its members, to the desired state: what differs, no more.
///
/// `active` is set when the account wakes up or goes to rest.
pub(crate) fn operations(order: &Order<'_>, active: Option<bool>) -> Vec<Value> {
    let object = order.object();
    let mut operations = Vec::new();
    if order
        .link
        .is_none_or(|link| link.remote_name != order.desired.remote_name)
    {
        operations.push(replace(
            name_attribute(object),
            order.desired.remote_name.as_str(),
        ));
    }
    if let Some(active) = active {
        operations.push(replace("active", active));
    }
    let changes: Vec<(Rc<AttributePath>, &AttributeChange)> = changed_attributes(order)
        .map(|change| (path(&change.remote), change))
        .collect();
    let mut fresh: Vec<(&AttributePath, Value)> = Vec::new();
    for (path, change) in &changes {
        if path.filter.is_empty() {
            operations.push(plain(path, change));
        } else if change.after.is_null() {
            operations.push(clear_element(path, change));
        } else if is_there(order, path) {
            operations.push(replace(&change.remote, change.after.clone()));
        } else if let Some((_, element)) = fresh.iter_mut().find(|(other, _)| other.is_beside(path))
        {
            put_in(path, element, &change.after);
        } else {
            let mut element = path.element();
            put_in(path, &mut element, &change.after);
            fresh.push((path, element));
        }
    }
    // A filter that selects nothing fails on replace (RFC 7644, section 3.5.2.3), so a new element is added whole.
    operations.extend(
        fresh.into_iter().map(
            |(path, element)| json!({"op": "add", "path": path.list_path(), "value": [element]}),
        ),
    );
    if let (Object::User, Some(password)) = (object, order.password) {
        operations.push(replace("password", password.expose()));
    }
    operations
}

fn plain(path: &AttributePath, change: &AttributeChange) -> Value {
    let mut names = vec![path.list_path()];
    names.extend(path.rest.iter().cloned());
    let at = names.join(".");
    if change.after.is_null() {
        json!({"op": "remove", "path": at})
    } else {
        replace(&at, shaped(path, &change.after))
    }
}

fn clear_element(path: &AttributePath, change: &AttributeChange) -> Value {
    let at = if path.is_element_value() {
        path.element_path()
    } else {
        change.remote.clone()
    };
    json!({"op": "remove", "path": at})
}

fn put_in(path: &AttributePath, element: &mut Value, value: &Value) {
    let inner = AttributePath {
        schema: None,
        name: path
            .rest
            .first()
            .cloned()
            .unwrap_or_else(|| "value".to_owned()),
        filter: Vec::new(),
        rest: path.rest.iter().skip(1).cloned().collect(),
    };
    inner.put(element, value);
}

/// Tells whether the element that a path selects was written before.
fn is_there(order: &Order<'_>, wanted: &AttributePath) -> bool {
    order.link.is_some_and(|link| {
        link.written
            .iter()
            .any(|(remote, value)| !value.is_null() && path(remote).is_beside(wanted))
    })
}

fn replace(path: &str, value: impl Into<Value>) -> Value {
    let value = value.into();
    json!({"op": "replace", "path": path, "value": value})
}

/// Wraps operations into a request (RFC 7644, section 3.5.2).
pub(crate) fn patch(operations: &[Value]) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// Who joins a group and who leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MemberChange {
    /// Remote ids to add.
    pub(crate) added: Vec<String>,
    /// Remote ids to remove.
    pub(crate) removed: Vec<String>,
}

/// The ways of writing a removal of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// `members[value eq "id"]`: the RFC's.
    Filter,
    /// `members` with a list of values: what Entra ID sends and some servers want (django-scim2).
    Values,
}

impl MemberChange {
    /// Returns what differs between the members that were last written and those desired.
    pub(crate) fn of(order: &Order<'_>) -> Self {
        let before: BTreeSet<&str> = order
            .link
            .and_then(|link| link.written.get(MEMBERS))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let after = confirm::member_ids(order);
        Self {
            added: after
                .difference(&before)
                .map(|id| (*id).to_owned())
                .collect(),
            removed: before
                .difference(&after)
                .map(|id| (*id).to_owned())
                .collect(),
        }
    }

    /// Tells whether nobody joins or leaves.
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Returns the requests that carry it out, each with no more members than every server takes.
    pub(crate) fn patches(&self, removal: Removal) -> Vec<Value> {
        let adds = self.added.chunks(MEMBERS_AT_ONCE).map(|ids| {
            let ids = ids.iter().map(String::as_str).collect();
            vec![json!({"op": "add", "path": MEMBERS, "value": member_values(ids)})]
        });
        let removes = self
            .removed
            .chunks(MEMBERS_AT_ONCE)
            .map(|ids| match removal {
                Removal::Filter => ids
                    .iter()
                    .map(|id| {
                        let path = format!("{MEMBERS}[value eq {}]", quoted(id));
                        json!({"op": "remove", "path": path})
                    })
                    .collect(),
                Removal::Values => {
                    let ids = ids.iter().map(String::as_str).collect();
                    vec![json!({"op": "remove", "path": MEMBERS, "value": member_values(ids)})]
                }
            });
        adds.chain(removes)
            .map(|operations| patch(&operations))
            .collect()
    }
}

fn member_values(ids: BTreeSet<&str>) -> Value {
    ids.into_iter().map(|id| json!({"value": id})).collect()
}

/// Returns the ids of a group's members as the target tells them.
pub(crate) fn members_of(group: &Value) -> BTreeSet<String> {
    find(group, MEMBERS)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|member| find(member, "value").and_then(text))
        .collect()
}

/// Returns a filter for one value. A filter's string is a JSON string (RFC 7644, section 3.4.2.2).
pub(crate) fn equals(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", quoted(value))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns a resource's id; numbers are taken as well (django-scim2).
pub(crate) fn id(resource: &Value) -> Option<RemoteId> {
    find(resource, "id")
        .and_then(text)
        .and_then(|id| confirm::remote_id(&id))
}

/// Returns a resource's external id.
pub(crate) fn external_id(resource: &Value) -> Option<String> {
    find(resource, "externalId").and_then(text)
}

/// Returns a resource's name.
pub(crate) fn name(resource: &Value, object: Object) -> Option<&str> {
    find(resource, name_attribute(object)).and_then(Value::as_str)
}

/// Tells whether a resource may be used, when it says so.
pub(crate) fn active(resource: &Value) -> Option<bool> {
    find(resource, "active").and_then(truth)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns a resource as an account; `None` when it has no id.
pub(crate) fn account(resource: Value, object: Object) -> Option<RemoteAccount> {
    let created = find(&resource, "meta")
        .and_then(|meta| find(meta, "created"))
        .and_then(Value::as_str)
        .and_then(|created| created.parse::<Timestamp>().ok());
    Some(RemoteAccount {
        remote_id: id(&resource)?,
        remote_name: name(&resource, object)
            .and_then(confirm::remote_name)
            .unwrap_or_default(),
        external_id: external_id(&resource),
        active: active(&resource).unwrap_or(true),
        created_at: created,
        content: resource,
    })
}

/// Returns the resources of a list answer, and how many there are in all; `None` when it is no list answer.
///
/// Resources may be left out when there are none (RFC 7644, section 3.4.2); some servers leave out the total.
pub(crate) fn listed(list: &mut Value) -> Option<(Vec<Value>, Option<u64>)> {
    let total = find(list, "totalResults").and_then(Value::as_u64);
    let resources = list.as_object_mut().and_then(|fields| {
        fields
            .iter_mut()
            .find(|(name, _)| name.eq_ignore_ascii_case("Resources"))
            .map(|(_, resources)| resources.take())
    });
    match (resources, total) {
        (Some(Value::Array(resources)), total) => Some((resources, total)),
        (None | Some(Value::Null), Some(0)) => Some((Vec::new(), total)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
