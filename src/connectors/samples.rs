//! Orders for tests of the wire's shapes.

use std::collections::BTreeMap;

use domain::{
    AttributeChange, ConnectorRef, Deprovision, Desired, DesiredAttribute, Link, LinkOrigin,
    LocalRef, OperationId, Order, Origin, PasswordPlan, RemoteId, Secret, UserId, Verb,
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// A user's order, grown piece by piece.
pub(crate) struct Sample {
    desired: Desired,
    changes: Vec<AttributeChange>,
    link: Option<Link>,
    password: Option<Secret>,
}

impl Sample {
    pub(crate) fn user(name: &str) -> Self {
        Self {
            desired: Desired {
                local: LocalRef::User(UserId(Uuid::from_u128(7))),
                remote_name: name.to_owned(),
                attributes: Vec::new(),
                members: Vec::new(),
                password: PasswordPlan::None,
            },
            changes: Vec::new(),
            link: None,
            password: None,
        }
    }

    pub(crate) fn attribute(mut self, remote: &str, value: Value) -> Self {
        self.desired.attributes.push(DesiredAttribute {
            remote: remote.to_owned(),
            value,
            origin: Origin::Default,
        });
        self
    }

    pub(crate) fn change(mut self, remote: &str, before: Value, after: Value) -> Self {
        self.changes.push(AttributeChange {
            remote: remote.to_owned(),
            before: Some(before).filter(|before| !before.is_null()),
            after,
        });
        self
    }

    pub(crate) fn linked(mut self, id: &str, name: &str) -> Self {
        self.link = Some(Link {
            connector: ConnectorRef::new("c", "google"),
            local: self.desired.local,
            remote_id: RemoteId(id.to_owned()),
            remote_name: name.to_owned(),
            written: BTreeMap::new(),
            origin: LinkOrigin::Created,
            active: true,
            gone: false,
            since: Timestamp::UNIX_EPOCH,
            exceptions: domain::Exceptions::new(),
        });
        self
    }

    pub(crate) fn at_rest(mut self) -> Self {
        if let Some(link) = &mut self.link {
            link.active = false;
        }
        self
    }

    pub(crate) fn password(mut self, password: &str) -> Self {
        self.password = Some(Secret::new(password));
        self
    }

    pub(crate) fn order(&self, verb: Verb) -> Order<'_> {
        Order {
            operation: OperationId(Uuid::from_u128(0xabc)),
            verb,
            desired: &self.desired,
            changes: &self.changes,
            link: self.link.as_ref(),
            deprovision: Deprovision::Deactivate,
            password: self.password.as_ref(),
        }
    }
}
