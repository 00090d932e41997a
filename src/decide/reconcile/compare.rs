//! The comparison of one account, field by field.

use std::collections::BTreeMap;

use domain::{
    ACTIVE, ConnectorRef, Desired, Drift, Exceptions, FieldDrift, Link, Object, TargetSpec,
};
use serde_json::Value;

use super::same::{is_nothing, is_same};
use crate::Decider;
use crate::links::{MEMBERS, member_ids};
use crate::shape::name_attribute;
use crate::target::Target;

/// An account as the target shows it.
#[derive(Debug, Clone, Copy)]
pub struct Actual<'a> {
    /// The name at the target.
    pub name: &'a str,
    /// Whether the account may be used.
    pub active: bool,
    /// The attributes that are shown, as the connector would write them. One that is missing here is not known.
    pub attributes: &'a BTreeMap<String, Value>,
}

/// What came of one comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// The fields that differ.
    pub drifts: Vec<FieldDrift>,
    /// The fields that could not be compared because the account does not show them.
    pub unseen: Vec<String>,
    /// The fields that differ and were let stand.
    pub excepted: Vec<String>,
}

impl Decider<'_> {
    /// Compares one account with its link and with what it should be; `desired` is `None` when nobody should be there
    /// who may use it, and then only whether it may be used is compared.
    ///
    /// `None` when there is no such connector.
    pub fn compare(
        &self,
        connector: &ConnectorRef,
        object: Object,
        desired: Option<&Desired>,
        link: &Link,
        actual: &Actual<'_>,
    ) -> Option<Compared> {
        let target = self.target(connector)?;
        let mut comparison = Comparison {
            spec: &target.kind.target,
            exceptions: &link.exceptions,
            compared: Compared::default(),
        };
        if object == Object::User && !says_active(&target, desired) {
            let wanted = Value::Bool(desired.is_some());
            let written = Value::Bool(link.active);
            comparison.field(ACTIVE, &wanted, &written, &Value::Bool(actual.active));
        }
        if let Some(desired) = desired {
            comparison.account(name_attribute(Some(&target), object), desired, link, actual);
        }
        Some(comparison.compared)
    }
}

/// Tells whether a mapping decides whether the account may be used.
fn says_active(target: &Target<'_>, desired: Option<&Desired>) -> bool {
    desired.is_some_and(|desired| {
        desired.attributes.iter().any(|attribute| {
            target
                .kind
                .target
                .active_attributes
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&attribute.remote))
        })
    })
}

struct Comparison<'a> {
    spec: &'a TargetSpec,
    exceptions: &'a Exceptions,
    compared: Compared,
}

impl Comparison<'_> {
    fn account(&mut self, name: &str, desired: &Desired, link: &Link, actual: &Actual<'_>) {
        let text = |text: &str| match desired.object() {
            // Names of users compare without case, as every target of ours does.
            Object::User => Value::from(text.to_lowercase()),
            Object::Group => Value::from(text),
        };
        let (wanted, written, there) = (
            text(&desired.remote_name),
            text(&link.remote_name),
            text(actual.name),
        );
        if self.differs(name, &wanted, &written, &there).is_some() {
            self.field(
                name,
                &Value::from(desired.remote_name.as_str()),
                &Value::from(link.remote_name.as_str()),
                &Value::from(actual.name),
            );
        }
        for attribute in &desired.attributes {
            self.attribute(&attribute.remote, &attribute.value, link, actual);
        }
        if desired.object() == Object::Group {
            self.attribute(MEMBERS, &member_ids(desired), link, actual);
        }
    }

    fn attribute(&mut self, field: &str, desired: &Value, link: &Link, actual: &Actual<'_>) {
        let written = link.written.get(field).unwrap_or(&Value::Null);
        match actual.attributes.get(field) {
            Some(there) => self.field(field, desired, written, there),
            None if is_nothing(desired) && is_nothing(written) => {}
            None => self.compared.unseen.push(field.to_owned()),
        }
    }

    fn differs(
        &self,
        field: &str,
        desired: &Value,
        written: &Value,
        actual: &Value,
    ) -> Option<Drift> {
        let same = |one, other| is_same(self.spec, field, one, other);
        if same(desired, actual) {
            return None;
        }
        Some(match (same(desired, written), same(written, actual)) {
            (true, _) => Drift::Remote,
            (false, true) => Drift::Stale,
            (false, false) => Drift::Both,
        })
    }

    fn field(&mut self, field: &str, desired: &Value, written: &Value, actual: &Value) {
        let Some(drift) = self.differs(field, desired, written, actual) else {
            return;
        };
        let holds = self.exceptions.get(field).is_some_and(|exception| {
            is_same(self.spec, field, &exception.actual, actual)
                && is_same(self.spec, field, &exception.desired, desired)
        });
        if holds {
            self.compared.excepted.push(field.to_owned());
            return;
        }
        self.compared.drifts.push(FieldDrift {
            field: field.to_owned(),
            drift,
            desired: desired.clone(),
            written: written.clone(),
            actual: actual.clone(),
        });
    }
}
