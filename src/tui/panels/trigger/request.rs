//! What was filled in, as a request.

use std::collections::BTreeSet;

use domain::{
    ApplicationId, Change, Claim, Claims, ConnectionId, NewUser, QualifiedName, Request, Secret,
    SecretRef, Source,
};

use crate::widgets::{Field, Form};

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// What cannot be taken: the field, and why.
type Refused = (&'static str, String);

/// Makes a request of what was filled in.
pub(super) fn request(form: &Form) -> Result<Request, Refused> {
    let way = form.value("way");
    let user = || QualifiedName::new(&form.value("user"));
    let group = || QualifiedName::new(&form.value("group"));
    let names = |key: &str| {
        list(&form.value(key))
            .map(QualifiedName::new)
            .collect::<BTreeSet<_>>()
    };
    let new_user = || {
        let mut claims = Claims::new();
        for (key, claim) in [
            ("given", "givenname"),
            ("family", "lastname"),
            ("mail", "emailaddress"),
        ] {
            let value = form.value(key);
            if !value.is_empty() {
                claims.insert(Claim::new(claim), vec![value]);
            }
        }
        NewUser {
            name: user(),
            claims,
            roles: list(&form.value("roles")).map(Into::into).collect(),
            groups: names("groups"),
        }
    };
    let change = match way.as_str() {
        "console" | "api" | "self-signup" => Change::CreateUser {
            user: new_user(),
            password: password(form)?,
        },
        "login" => Change::LogIn {
            identity: new_user(),
        },
        "role-assigned" => Change::AssignRole {
            user: user(),
            role: form.value("role").into(),
        },
        "role-revoked" => Change::RevokeRole {
            user: user(),
            role: form.value("role").into(),
        },
        "password" => Change::SetPassword {
            user: user(),
            password: password(form)?
                .ok_or_else(|| ("password", "a new password is needed".to_owned()))?,
        },
        "update" => Change::UpdateUser {
            user: user(),
            set: sets(&form.value("set")).map_err(|told| ("set", told))?,
            remove: BTreeSet::new(),
            rename: None,
        },
        "rename" => Change::UpdateUser {
            user: user(),
            set: Claims::new(),
            remove: BTreeSet::new(),
            rename: Some(form.value("to")),
        },
        "delete" => Change::DeleteUser { user: user() },
        "role-created" => Change::CreateRole {
            role: form.value("created").into(),
            holders: names("holders"),
        },
        "role-renamed" => Change::RenameRole {
            role: form.value("role").into(),
            to: form.value("renamed"),
        },
        "role-deleted" => Change::DeleteRole {
            role: form.value("role").into(),
        },
        "group-created" => Change::CreateGroup {
            group: group(),
            members: names("add"),
        },
        "group-changed" => {
            let (add, remove) = (names("add"), names("gone"));
            if add.is_empty() && remove.is_empty() {
                let told = "name users who join the group, or who leave it".to_owned();
                return Err(("add", told));
            }
            Change::ChangeGroup {
                group: group(),
                add,
                remove,
            }
        }
        "group-renamed" => Change::RenameGroup {
            group: group(),
            to: form.value("to"),
        },
        _ => Change::DeleteGroup { group: group() },
    };
    let source = match way.as_str() {
        "api" => Source::Api,
        "self-signup" => Source::SelfSignup,
        "login" => Source::Login,
        _ => Source::Console,
    };
    let application = Some(form.value("application"))
        .filter(|id| !id.is_empty())
        .map(ApplicationId);
    let connection = Some(form.value("connection"))
        .filter(|id| !id.is_empty())
        .map(ConnectionId);
    Ok(Request {
        change,
        source,
        application,
        connection,
    })
}

fn password(form: &Form) -> Result<Option<Secret>, Refused> {
    let field = form.fields.iter().find(|field| field.key == "password");
    let read = match field.and_then(Field::secret_value) {
        None => Ok(None),
        Some(SecretRef::Inline(secret)) => Ok(Some(secret)),
        Some(SecretRef::Env(name)) => std::env::var(&name)
            .map(|value| Some(Secret::new(value)))
            .map_err(|_| format!("the variable {name} is not set")),
        Some(SecretRef::File(path)) => std::fs::read_to_string(&path)
            .map(|text| Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
            .map_err(|error| format!("cannot read {}: {error}", path.display())),
        Some(SecretRef::Command(_)) => Err("a password cannot come from a command here".to_owned()),
    };
    read.map_err(|told| ("password", told))
}

pub(crate) fn sets(text: &str) -> Result<Claims, String> {
    let mut claims = Claims::new();
    for part in text
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (claim, value) = part
            .split_once('=')
            .ok_or_else(|| format!("`{part}` is not claim=value"))?;
        let values = if value.trim().is_empty() {
            Vec::new()
        } else {
            vec![value.trim().to_owned()]
        };
        claims.insert(Claim::new(claim), values);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_and_an_empty_value_empties() {
        let claims = sets("givenname=Kim; department=").unwrap();
        assert_eq!(claims[&Claim::new("givenname")], ["Kim"]);
        assert!(claims[&Claim::new("department")].is_empty());
        assert!(sets("nonsense").unwrap_err().contains("claim=value"));
    }
}
