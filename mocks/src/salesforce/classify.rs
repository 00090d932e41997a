//! What a request is about, told from the request alone: the names that faults and the request log go by.

use http::Method;

use super::{login::Form, rest::version_of, soap};
use crate::vendor::{Kind, Operation, Request};

/// The names that [`classify`] gives.
pub(crate) const NAMES: [&str; 37] = [
    "token",
    "revoke",
    "introspect",
    "userinfo",
    "identity",
    "soap.login",
    "soap.logout",
    "soap.getUserInfo",
    "soap",
    "versions",
    "resources",
    "limits",
    "describeGlobal",
    "describe",
    "User.create",
    "User.get",
    "User.update",
    "User.upsert",
    "User.delete",
    "User.getUpdated",
    "User.getDeleted",
    "User.passwordExpired",
    "User.setPassword",
    "sobject.read",
    "sobject.write",
    "query",
    "queryMore",
    "search",
    "collections.create",
    "collections.update",
    "collections.delete",
    "collections.upsert",
    "collections.retrieve",
    "composite.batch",
    "composite.tree",
    "composite",
    "unknown",
];

/// Names a request.
pub(crate) fn classify(request: &Request) -> Operation {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match path[..] {
        ["services", "oauth2", "token"] => token(request),
        ["services", "oauth2", "revoke"] => named("revoke", Kind::Write),
        ["services", "oauth2", "introspect"] => named("introspect", Kind::Read),
        ["services", "oauth2", "userinfo"] => named("userinfo", Kind::Read),
        ["id", _, user] => about("identity", Kind::Read, Some(user.to_owned())),
        ["services", "Soap", ..] => soap_call(request),
        ["services", "data"] => named("versions", Kind::Meta),
        ["services", "data", version, ref rest @ ..] if version_of(version).is_some() => {
            resource(request, rest)
        }
        _ => named("unknown", Kind::Read),
    }
}

fn named(name: &'static str, kind: Kind) -> Operation {
    about(name, kind, None)
}

fn about(name: &'static str, kind: Kind, subject: Option<String>) -> Operation {
    Operation {
        name,
        subject,
        kind,
    }
}

fn token(request: &Request) -> Operation {
    let form = Form::of(request);
    about(
        "token",
        Kind::Token,
        Some(form.get("username").to_owned()).filter(|name| !name.is_empty()),
    )
}

fn soap_call(request: &Request) -> Operation {
    let parsed = soap::Envelope::read(&request.body);
    let user = parsed
        .as_ref()
        .and_then(|envelope| envelope.argument("username"))
        .map(str::to_owned);
    match parsed.as_ref().map(|envelope| envelope.call.as_str()) {
        Some("login") => about("soap.login", Kind::Token, user),
        Some("logout") => named("soap.logout", Kind::Write),
        Some("getUserInfo") => named("soap.getUserInfo", Kind::Read),
        _ => named("soap", Kind::Read),
    }
}

fn resource(request: &Request, path: &[&str]) -> Operation {
    let overridden = request
        .query_value("_HttpMethod")
        .is_some_and(|verb| verb == "PATCH");
    let method = if overridden && request.method == Method::POST {
        Method::PATCH
    } else {
        request.method.clone()
    };
    let reads = matches!(method, Method::GET | Method::HEAD);
    match *path {
        [] => named("resources", Kind::Meta),
        ["limits"] => named("limits", Kind::Meta),
        ["sobjects"] => named("describeGlobal", Kind::Meta),
        ["sobjects", _, "describe"] => named("describe", Kind::Meta),
        ["sobjects", object, ref rest @ ..] if object.eq_ignore_ascii_case("User") => {
            user(request, &method, rest)
        }
        ["sobjects", _, ..] if reads => named("sobject.read", Kind::Read),
        ["sobjects", _, ..] => named("sobject.write", Kind::Write),
        ["query" | "queryAll"] => about("query", Kind::Read, quoted(request)),
        ["query" | "queryAll", _] => named("queryMore", Kind::Read),
        ["composite", "sobjects"] if method == Method::POST => {
            named("collections.create", Kind::Write)
        }
        ["composite", "sobjects"] if method == Method::PATCH => {
            named("collections.update", Kind::Write)
        }
        ["composite", "sobjects"] if method == Method::DELETE => {
            named("collections.delete", Kind::Write)
        }
        ["composite", "sobjects", ..] if method == Method::PATCH => {
            named("collections.upsert", Kind::Write)
        }
        ["composite", "sobjects", ..] => named("collections.retrieve", Kind::Read),
        ["composite", "batch"] => named("composite.batch", Kind::Write),
        ["composite", "tree", ..] => named("composite.tree", Kind::Write),
        ["composite", ..] if reads => named("resources", Kind::Meta),
        ["composite", ..] => named("composite", Kind::Write),
        ["search" | "parameterizedSearch", ..] => named("search", Kind::Read),
        _ => named("unknown", Kind::Read),
    }
}

fn user(request: &Request, method: &Method, path: &[&str]) -> Operation {
    let in_body = || request.body_text(&["Username"]);
    match (path, method) {
        ([], &Method::POST) => about("User.create", Kind::Write, in_body()),
        ([], _) => named("describe", Kind::Meta),
        (["updated"], _) => named("User.getUpdated", Kind::Read),
        (["deleted"], _) => named("User.getDeleted", Kind::Read),
        ([id, "password"], &Method::GET | &Method::HEAD) => {
            about("User.passwordExpired", Kind::Read, Some((*id).to_owned()))
        }
        ([id, "password"], _) => about("User.setPassword", Kind::Write, Some((*id).to_owned())),
        ([id], &Method::PATCH) => about("User.update", Kind::Write, Some((*id).to_owned())),
        ([_, key], &Method::PATCH) => about(
            "User.upsert",
            Kind::Write,
            in_body().or_else(|| Some((*key).to_owned())),
        ),
        ([id] | [_, id], &Method::DELETE) => {
            about("User.delete", Kind::Write, Some((*id).to_owned()))
        }
        ([id] | [_, id], _) => about("User.get", Kind::Read, Some((*id).to_owned())),
        _ => named("unknown", Kind::Read),
    }
}

/// The first text between quotes of a query: as a rule the name or key it looks for.
fn quoted(request: &Request) -> Option<String> {
    let query = request.query_value("q")?;
    query.split('\'').nth(1).map(str::to_owned)
}
