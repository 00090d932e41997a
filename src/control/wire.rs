//! How a request is written for the socket. A secret has no serialisation of its own, so that it is written here and
//! nowhere else.

use domain::{Change, Request, Secret};
use serde::{Serialize as _, Serializer};
use serde_json::{Value, json};

fn clear(password: Option<&Secret>) -> Option<&str> {
    password.map(Secret::expose)
}

/// Writes a request as it is read.
pub(super) fn request<S: Serializer>(request: &Request, to: S) -> Result<S::Ok, S::Error> {
    written(request).serialize(to)
}

fn written(request: &Request) -> Value {
    let change = match &request.change {
        Change::CreateUser { user, password } => {
            json!({ "create-user": { "user": user, "password": clear(password.as_ref()) } })
        }
        Change::UpdateUser {
            user,
            set,
            remove,
            rename,
        } => {
            json!({ "update-user": { "user": user, "set": set, "remove": remove, "rename": rename } })
        }
        Change::DeleteUser { user } => json!({ "delete-user": { "user": user } }),
        Change::SetPassword { user, password } => {
            json!({ "set-password": { "user": user, "password": password.expose() } })
        }
        Change::LogIn { identity } => json!({ "log-in": { "identity": identity } }),
        Change::AssignRole { user, role } => {
            json!({ "assign-role": { "user": user, "role": role } })
        }
        Change::RevokeRole { user, role } => {
            json!({ "revoke-role": { "user": user, "role": role } })
        }
        Change::CreateRole { role, holders } => {
            json!({ "create-role": { "role": role, "holders": holders } })
        }
        Change::RenameRole { role, to } => {
            json!({ "rename-role": { "role": role, "to": to } })
        }
        Change::DeleteRole { role } => json!({ "delete-role": { "role": role } }),
        Change::CreateGroup { group, members } => {
            json!({ "create-group": { "group": group, "members": members } })
        }
        Change::ChangeGroup { group, add, remove } => {
            json!({ "change-group": { "group": group, "add": add, "remove": remove } })
        }
        Change::RenameGroup { group, to } => {
            json!({ "rename-group": { "group": group, "to": to } })
        }
        Change::DeleteGroup { group } => json!({ "delete-group": { "group": group } }),
    };
    json!({
        "change": change,
        "source": request.source,
        "application": request.application,
        "connection": request.connection,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{Claim, NewUser, QualifiedName, RoleName, Source};

    use super::*;
    use crate::control::Ask;

    #[test]
    fn every_change_comes_out_as_it_went_in() {
        let user = QualifiedName::new("EMPLOYEES/kim");
        let group = QualifiedName::new("sales");
        let role = RoleName::new("Internal/sales");
        let new = NewUser {
            name: user.clone(),
            claims: [(Claim::new("lastname"), vec!["Ng".to_owned()])].into(),
            roles: [role.clone()].into(),
            groups: [group.clone()].into(),
        };
        let one = BTreeSet::from([user.clone()]);
        for change in [
            Change::CreateUser {
                user: new.clone(),
                password: Some(Secret::new("made up")),
            },
            Change::UpdateUser {
                user: user.clone(),
                set: new.claims.clone(),
                remove: [Claim::new("mobile")].into(),
                rename: Some("kimberley".to_owned()),
            },
            Change::DeleteUser { user: user.clone() },
            Change::SetPassword {
                user: user.clone(),
                password: Secret::new("made up"),
            },
            Change::LogIn { identity: new },
            Change::AssignRole {
                user: user.clone(),
                role: role.clone(),
            },
            Change::RevokeRole {
                user,
                role: role.clone(),
            },
            Change::CreateRole {
                role: role.clone(),
                holders: one.clone(),
            },
            Change::RenameRole {
                role: role.clone(),
                to: "sellers".to_owned(),
            },
            Change::DeleteRole { role },
            Change::CreateGroup {
                group: group.clone(),
                members: one.clone(),
            },
            Change::ChangeGroup {
                group: group.clone(),
                add: one.clone(),
                remove: one,
            },
            Change::RenameGroup {
                group: group.clone(),
                to: "sellers".to_owned(),
            },
            Change::DeleteGroup { group },
        ] {
            let request = Request {
                change,
                source: Source::Api,
                application: Some("portal".into()),
                connection: None,
            };
            let ask = Ask::Submit {
                request: request.clone(),
            };
            let line = serde_json::to_string(&ask).unwrap();
            let Ask::Submit { request: read } = serde_json::from_str(&line).unwrap() else {
                panic!("a submit is read as one");
            };
            assert_eq!(written(&read), written(&request));
            assert_eq!(format!("{read:?}"), format!("{request:?}"));
        }
    }
}
