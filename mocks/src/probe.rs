//! Random bytes as a conversation with a mock: what the property test on stable and the fuzz targets both call.
//!
//! A conversation is a few requests in a row against one clone, so that a later one meets what an earlier one left.
//! Every byte string is a conversation; the same bytes are the same conversation.

use std::{collections::BTreeSet, fmt::Write};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    Request, Trouble,
    google::Google,
    login::{Login, Way, bearer},
    salesforce::Salesforce,
    scim2::Scim2,
};

/// How many requests one conversation has at most.
const REQUESTS: usize = 8;
const BASE_URL: &str = "http://127.0.0.1:9100";

/// A vendor that can be probed, and the words of its world: without them a random request seldom comes past the door.
pub trait Probe: Login + Default {
    /// Paths; `*` is replaced by a word or by a piece of the bytes.
    const PATHS: &'static [&'static str];
    /// Names of members, values, parameters and ids.
    const WORDS: &'static [&'static str];
    /// Beginnings of a query, to be continued.
    const QUERIES: &'static [&'static str];
    /// The names under which a password is given at the top of a body; only there it is one.
    const PASSWORDS: &'static [&'static str];
    /// Whole requests that work (method, path, body), so that the wrong ones meet something. `*` in a path as above.
    const OPENINGS: &'static [(Method, &'static str, &'static str)];
}

/// A mock with a client that is let in, from which conversations start.
#[derive(Debug, Clone)]
pub struct Probed<V> {
    vendor: V,
    authorization: String,
    operations: Vec<&'static str>,
}

impl<V: Probe> Probed<V> {
    /// Makes the mock and logs in.
    pub fn new() -> Self {
        let mut vendor = V::default();
        let authorization = match vendor.way_in(BASE_URL, now()) {
            Way::Header(header) => header,
            Way::Ask(request) => {
                let answer = vendor.answer(&request, &mut Vec::new());
                bearer::<V>(Some(answer)).expect("a mock lets its own credentials in")
            }
        };
        Self {
            vendor,
            authorization,
            operations: V::operations(),
        }
    }

    /// Holds one conversation and checks after every request what holds for any mock: no panic, a legal status, an
    /// operation that is listed, JSON
    /// where JSON is announced, ids that are unique, and no password in what it shows, answers or reports. Returns how many requests were
    /// answered with a success.
    pub fn converse(&self, bytes: &[u8]) -> usize {
        let mut successes = 0;
        let mut vendor = self.vendor.clone();
        let mut source = Source {
            bytes,
            known: Vec::new(),
        };
        for _ in 0..REQUESTS {
            if source.bytes.is_empty() {
                break;
            }
            let request = self.request(&mut source);
            let operation = vendor.classify(&request);
            assert!(
                self.operations.contains(&operation.name),
                "{} is not among the operations that a fault may name",
                operation.name
            );
            let mut changes = Vec::new();
            let answer = vendor.answer(&request, &mut changes);
            assert!(
                answer.status.as_u16() >= 200,
                "{} answered {}",
                operation.name,
                answer.status
            );
            for change in &changes {
                assert!(
                    !holds_secret(format!("{change:?}").as_bytes()),
                    "the change feed shows a password: {change:?}"
                );
            }
            source.known.extend(
                changes
                    .into_iter()
                    .flat_map(|change| [change.id, change.name]),
            );
            successes += usize::from(answer.status.is_success());
            check_json(&answer.headers, &answer.body);
            assert!(
                !holds_secret(&answer.body),
                "{} shows a password: {}",
                operation.name,
                String::from_utf8_lossy(&answer.body)
            );
            let refused = vendor.trouble(&request, trouble(source.byte()));
            assert!(refused.status.is_client_error() || refused.status.is_server_error());
            check_json(&refused.headers, &refused.body);
        }
        let objects = vendor.objects();
        let ids: BTreeSet<_> = objects
            .iter()
            .map(|object| (object.object, &object.id))
            .collect();
        assert_eq!(ids.len(), objects.len(), "two objects have one id");
        for object in &objects {
            let content = object.content.to_string();
            assert!(
                !content.contains(SECRET),
                "{} {} shows a password: {content}",
                object.object,
                object.id
            );
        }
        successes
    }

    fn request(&self, source: &mut Source<'_>) -> Request {
        let opening = (source.byte() % 5 < 2).then(|| source.pick(V::OPENINGS));
        let method = opening.map_or_else(
            || source.pick(&METHODS).clone(),
            |(method, ..)| method.clone(),
        );
        let path = path::<V>(source, opening.map(|(_, path, _)| *path));
        let query = if opening.is_some() {
            String::new()
        } else {
            query::<V>(source)
        };
        let mut headers = HeaderMap::new();
        if !source.byte().is_multiple_of(16)
            && let Ok(value) = HeaderValue::from_str(&self.authorization)
        {
            headers.insert(header::AUTHORIZATION, value);
        }
        let (media_type, body) = match opening {
            Some((.., body)) => ("application/json", opened::<V>(source, body)),
            None => body::<V>(source),
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if source.byte().is_multiple_of(8) {
            let name = HeaderName::from_static(HEADERS[usize::from(source.byte()) % HEADERS.len()]);
            let piece = source.piece();
            if let Ok(value) = HeaderValue::from_bytes(&piece) {
                headers.insert(name, value);
            }
        }
        Request {
            method,
            path,
            query,
            headers,
            body: body.into(),
            now: now(),
            base_url: BASE_URL.to_owned(),
        }
    }
}

impl<V: Probe> Default for Probed<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// A password that nobody may ever see again.
const SECRET: &str = "canary-P4ssw0rd";

fn holds_secret(shown: &[u8]) -> bool {
    shown
        .windows(SECRET.len())
        .any(|piece| piece == SECRET.as_bytes())
}

const METHODS: [Method; 8] = [
    Method::POST,
    Method::GET,
    Method::PATCH,
    Method::PUT,
    Method::DELETE,
    Method::POST,
    Method::GET,
    Method::OPTIONS,
];

const HEADERS: [&str; 8] = [
    "if-match",
    "if-none-match",
    "accept",
    "authorization",
    "content-type",
    "sforce-query-options",
    "x-http-method-override",
    "user-agent",
];

/// What stands between the words of a query.
const JOINTS: [&str; 14] = [
    "+", "+and+", "+or+", "%22", "'", "(", ")", "[", "]", "&", "=", "+eq+", ",", "%2E",
];

fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn trouble(byte: u8) -> Trouble {
    match byte % 7 {
        0 => Trouble::Status(StatusCode::SERVICE_UNAVAILABLE),
        1 => Trouble::UserRate {
            retry_after_seconds: u64::from(byte),
        },
        2 => Trouble::Concurrency,
        3 => Trouble::AccountRate {
            retry_after_seconds: u64::MAX,
        },
        4 => Trouble::DailyLimit,
        5 => Trouble::TokenExpired,
        _ => Trouble::Licences,
    }
}

fn check_json(headers: &HeaderMap, body: &[u8]) {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if (essence == "application/json" || essence.ends_with("+json")) && !body.is_empty() {
        let parsed = serde_json::from_slice::<Value>(body);
        assert!(
            parsed.is_ok(),
            "no JSON under {media_type}: {}",
            String::from_utf8_lossy(body)
        );
    }
}

/// The bytes that are left.
struct Source<'a> {
    bytes: &'a [u8],
    /// Ids and names of what the conversation has changed so far.
    known: Vec<String>,
}

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[usize::from(self.byte()) % of.len()]
    }

    /// Takes a piece as it is.
    fn piece(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte() % 24).min(self.bytes.len());
        let (piece, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        piece.to_vec()
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.piece()).into_owned()
    }
}

fn word<V: Probe>(source: &mut Source<'_>) -> String {
    match source.byte() % 8 {
        0 => source.text(),
        2 | 3 if !source.known.is_empty() => {
            let at = usize::from(source.byte()) % source.known.len();
            source.known[at].clone()
        }
        1 => format!("{}{}", source.pick(V::WORDS), source.byte() % 4),
        _ => (*source.pick(V::WORDS)).to_owned(),
    }
}

fn path<V: Probe>(source: &mut Source<'_>, template: Option<&'static str>) -> String {
    let mut path = String::new();
    if template.is_none() && source.byte().is_multiple_of(32) {
        path.push('/');
        path += &source.text();
    } else {
        let template = template.unwrap_or_else(|| *source.pick(V::PATHS));
        for part in template.split_inclusive('*') {
            path += part.trim_end_matches('*');
            if part.ends_with('*') {
                let escaped = percent_encoding::NON_ALPHANUMERIC;
                path +=
                    &percent_encoding::utf8_percent_encode(&word::<V>(source), escaped).to_string();
            }
        }
    }
    path.retain(|letter| {
        !letter.is_control() && !letter.is_whitespace() && letter != '?' && letter != '#'
    });
    path
}

fn query<V: Probe>(source: &mut Source<'_>) -> String {
    if !source.byte().is_multiple_of(3) {
        return String::new();
    }
    let mut query = (*source.pick(V::QUERIES)).to_owned();
    for _ in 0..source.byte() % 6 {
        query +=
            &url::form_urlencoded::byte_serialize(word::<V>(source).as_bytes()).collect::<String>();
        query += *source.pick(&JOINTS);
    }
    query
}

/// Takes the body of an opening, mostly as it is, sometimes with members put over it.
fn opened<V: Probe>(source: &mut Source<'_>, body: &str) -> Bytes {
    if !source.byte().is_multiple_of(4) {
        return body.to_owned().into();
    }
    let mut whole: Value = serde_json::from_str(body).unwrap_or_default();
    if let (Some(fields), Value::Object(more)) =
        (whole.as_object_mut(), object::<V>(source, 2, true))
    {
        fields.extend(more);
    }
    whole.to_string().into()
}

fn body<V: Probe>(source: &mut Source<'_>) -> (&'static str, Bytes) {
    match source.byte() % 8 {
        0 => ("application/json", Bytes::new()),
        1 => ("application/json", source.piece().into()),
        2 => (
            "application/x-www-form-urlencoded",
            query::<V>(source).into(),
        ),
        3 => ("text/xml; charset=UTF-8", envelope::<V>(source).into()),
        4 => ("multipart/mixed; boundary=b", multipart::<V>(source).into()),
        5 => (
            "application/scim+json",
            object::<V>(source, 3, true).to_string().into(),
        ),
        _ => (
            "application/json",
            object::<V>(source, 3, true).to_string().into(),
        ),
    }
}

fn envelope<V: Probe>(source: &mut Source<'_>) -> String {
    let (user, more) = (word::<V>(source), source.text());
    format!(
        "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
         <login xmlns=\"urn:partner.soap.sforce.com\"><username>{user}</username><password>{SECRET}</password>{more}\
         </login></e:Body></e:Envelope>"
    )
}

fn multipart<V: Probe>(source: &mut Source<'_>) -> String {
    let mut text = String::new();
    for _ in 0..=source.byte() % 3 {
        let (method, path, body) = (
            source.pick(&METHODS).clone(),
            path::<V>(source, None),
            object::<V>(source, 2, true),
        );
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "--b\r\nContent-Type: application/http\r\nContent-ID: <{}>\r\n\r\n{method} {path} HTTP/1.1\r\n\
             Content-Type: application/json\r\n\r\n{body}\r\n",
            source.byte()
        );
        text += &source.text();
    }
    text + "--b--"
}

/// Makes an object; `top` says that it is a whole body, where a password is a password. Further down the same name is
/// a member like any other (a custom field may be called so), and what it holds is no secret.
fn object<V: Probe>(source: &mut Source<'_>, depth: usize, top: bool) -> Value {
    let mut fields = Map::new();
    for _ in 0..source.byte() % 8 {
        let name = word::<V>(source);
        let value = if top && V::PASSWORDS.contains(&name.as_str()) {
            Value::from(SECRET)
        } else {
            value::<V>(source, depth)
        };
        fields.insert(name, value);
    }
    Value::Object(fields)
}

fn value<V: Probe>(source: &mut Source<'_>, depth: usize) -> Value {
    match source.byte() % 12 {
        0 => Value::Null,
        1 => Value::Bool(source.byte().is_multiple_of(2)),
        2 => Value::from(i64::from(source.byte()) - 3),
        3 => Value::from(f64::from(source.byte()) * 1e300),
        4..=6 if depth > 0 => object::<V>(source, depth - 1, false),
        7 | 8 if depth > 0 => (0..source.byte() % 4)
            .map(|_| value::<V>(source, depth - 1))
            .collect(),
        _ => Value::from(word::<V>(source)),
    }
}

impl Probe for Google {
    const PASSWORDS: &'static [&'static str] = &["password"];
    const PATHS: &'static [&'static str] = &[
        "/admin/directory/v1/users",
        "/admin/directory/v1/users/*",
        "/admin/directory/v1/users/*/*",
        "/admin/directory/v1/users/*/aliases",
        "/admin/directory/v1/users/*/aliases/*",
        "/admin/directory/v1/groups",
        "/admin/directory/v1/groups/*",
        "/admin/directory/v1/groups/*/members",
        "/admin/directory/v1/groups/*/members/*",
        "/admin/directory/v1/groups/*/hasMember/*",
        "/admin/directory/v1/customers/*",
        "/admin/directory/v1/customer/my_customer/orgunits",
        "/admin/directory/v1/customer/my_customer/orgunits/*",
        "/admin/directory/v1/customer/my_customer/schemas",
        "/admin/directory/v1/customer/my_customer/schemas/*",
        "/token",
        "/batch",
        "/batch/admin/directory_v1",
        "/admin/directory/v1/*",
    ];
    const WORDS: &'static [&'static str] = &[
        "primaryEmail",
        "kim@acme.example",
        "lee@acme.example",
        "staff@acme.example",
        "admin@acme.example",
        "password",
        "name",
        "givenName",
        "familyName",
        "displayName",
        "suspended",
        "archived",
        "emails",
        "address",
        "type",
        "work",
        "externalIds",
        "value",
        "organizations",
        "phones",
        "relations",
        "keywords",
        "customSchemas",
        "orgUnitPath",
        "/",
        "aliases",
        "alias",
        "email",
        "role",
        "MEMBER",
        "OWNER",
        "MANAGER",
        "id",
        "etag",
        "kind",
        "status",
        "isAdmin",
        "hashFunction",
        "MD5",
        "crypt",
        "recoveryPhone",
        "+491701234567",
        "makeAdmin",
        "undelete",
        "signOut",
        "fields",
        "users(id,name/givenName)",
        "*",
        "my_customer",
        "changePasswordAtNextLogin",
        "description",
        "customType",
        "primary",
    ];
    const QUERIES: &'static [&'static str] = &[
        "customer=my_customer&query=",
        "customer=my_customer&fields=",
        "customer=my_customer&maxResults=1&pageToken=",
        "domain=acme.example&orderBy=email&sortOrder=",
        "customer=my_customer&showDeleted=true&projection=",
        "fields=",
        "userKey=",
        "roles=",
        "alt=json&prettyPrint=",
        "",
    ];
    const OPENINGS: &'static [(Method, &'static str, &'static str)] = &[
        (
            Method::POST,
            "/admin/directory/v1/users",
            r#"{"primaryEmail":"kim@acme.example","password":"canary-P4ssw0rd","name":{"givenName":"Kim","familyName":"Lee"}}"#,
        ),
        (
            Method::POST,
            "/admin/directory/v1/users",
            r#"{"primaryEmail":"lee@acme.example","password":"canary-P4ssw0rd","name":{"givenName":"Lee","familyName":"Kim"}}"#,
        ),
        (
            Method::POST,
            "/admin/directory/v1/groups",
            r#"{"email":"staff@acme.example","name":"Staff"}"#,
        ),
        (
            Method::POST,
            "/admin/directory/v1/groups/staff%40acme.example/members",
            r#"{"email":"kim@acme.example","role":"MEMBER"}"#,
        ),
        (
            Method::PUT,
            "/admin/directory/v1/users/*",
            r#"{"primaryEmail":"kimberly@acme.example"}"#,
        ),
        (
            Method::PATCH,
            "/admin/directory/v1/users/*",
            r#"{"suspended":true,"password":"canary-P4ssw0rd"}"#,
        ),
        (
            Method::POST,
            "/admin/directory/v1/users/*/aliases",
            r#"{"alias":"k@acme.example"}"#,
        ),
        (Method::DELETE, "/admin/directory/v1/users/*", ""),
        (
            Method::POST,
            "/admin/directory/v1/users/*/undelete",
            r#"{"orgUnitPath":"/"}"#,
        ),
        (
            Method::POST,
            "/admin/directory/v1/customer/my_customer/orgunits",
            r#"{"name":"Sales","parentOrgUnitPath":"/"}"#,
        ),
        (
            Method::PATCH,
            "/admin/directory/v1/customer/my_customer/orgunits/Sales",
            r#"{"name":"Trade"}"#,
        ),
        (
            Method::POST,
            "/admin/directory/v1/customer/my_customer/schemas",
            r#"{"schemaName":"Job","fields":[{"fieldName":"level","fieldType":"INT64"}]}"#,
        ),
        (
            Method::PUT,
            "/admin/directory/v1/users/*",
            r#"{"orgUnitPath":"/Sales","customSchemas":{"Job":{"level":3}}}"#,
        ),
        (
            Method::PATCH,
            "/admin/directory/v1/customer/my_customer/schemas/Job",
            r#"{"fields":[{"fieldName":"level","fieldType":"INT64","multiValued":true}]}"#,
        ),
        (
            Method::DELETE,
            "/admin/directory/v1/customer/my_customer/schemas/Job",
            "",
        ),
    ];
}

const KIM: &str = r#"{"Username":"kim@acme.example","LastName":"Lee","Email":"kim@acme.example","Alias":"kim","EmailEncodingKey":"UTF-8","LanguageLocaleKey":"en_US","LocaleSidKey":"en_US","TimeZoneSidKey":"Europe/Berlin","ProfileId":"00eHX0000000006AAA","FederationIdentifier":"7"}"#;

impl Probe for Salesforce {
    const PASSWORDS: &'static [&'static str] = &["NewPassword"];
    const PATHS: &'static [&'static str] = &[
        "/services/data/v62.0/sobjects/User",
        "/services/data/v62.0/sobjects/User/*",
        "/services/data/v62.0/sobjects/User/*/*",
        "/services/data/v62.0/sobjects/User/*/password",
        "/services/data/v45.0/sobjects/*/describe",
        "/services/data/v62.0/sobjects/*",
        "/services/data/v62.0/query",
        "/services/data/v62.0/queryAll",
        "/services/data/v62.0/query/*",
        "/services/data/v62.0/composite",
        "/services/data/v62.0/composite/sobjects",
        "/services/data/v62.0/composite/batch",
        "/services/data/v62.0/limits",
        "/services/data/*",
        "/services/oauth2/token",
        "/services/oauth2/*",
        "/services/Soap/u/62.0",
        "/id/*/*",
    ];
    const WORDS: &'static [&'static str] = &[
        "Username",
        "kim@acme.example",
        "lee@acme.example",
        "LastName",
        "FirstName",
        "Email",
        "Alias",
        "kim",
        "CommunityNickname",
        "EmailEncodingKey",
        "UTF-8",
        "LanguageLocaleKey",
        "en_US",
        "LocaleSidKey",
        "TimeZoneSidKey",
        "Europe/Berlin",
        "ProfileId",
        "UserRoleId",
        "IsActive",
        "FederationIdentifier",
        "Id",
        "Name",
        "attributes",
        "type",
        "User",
        "Profile",
        "Organization",
        "UserLicense",
        "Group",
        "GroupMember",
        "PermissionSetAssignment",
        "records",
        "allOrNone",
        "compositeRequest",
        "method",
        "POST",
        "PATCH",
        "url",
        "/services/data/v62.0/sobjects/User",
        "referenceId",
        "ref",
        "@{ref.id}",
        "body",
        "NewPassword",
        "SELECT",
        "FROM",
        "WHERE",
        "LIMIT",
        "ORDER BY",
        "COUNT()",
        "LIKE",
        "IN",
        "NOT",
        "null",
        "true",
        "'x'",
        "%",
        "(",
        ")",
        ",",
        "2026-11-22T01:02:03Z",
        "LAST_N_DAYS:3",
        "005000000000001AAA",
        "Profile.Name",
    ];
    const QUERIES: &'static [&'static str] = &[
        "q=SELECT+Id,Username+FROM+User+WHERE+",
        "q=SELECT+COUNT()+FROM+User+WHERE+NOT+",
        "q=SELECT+Id+FROM+User+ORDER+BY+",
        "q=SELECT+",
        "q=",
        "fields=",
        "ids=",
        "updateOnly=",
        "grant_type=",
        "",
    ];
    const OPENINGS: &'static [(Method, &'static str, &'static str)] = &[
        (Method::POST, "/services/data/v62.0/sobjects/User", KIM),
        (Method::POST, "/services/data/v62.0/sobjects/User", KIM),
        (
            Method::PATCH,
            "/services/data/v62.0/sobjects/User/*",
            r#"{"IsActive":false,"City":"Bonn"}"#,
        ),
        (
            Method::PATCH,
            "/services/data/v62.0/sobjects/User/FederationIdentifier/*",
            KIM,
        ),
        (
            Method::POST,
            "/services/data/v62.0/sobjects/User/*/password",
            r#"{"NewPassword":"canary-P4ssw0rd"}"#,
        ),
        (
            Method::POST,
            "/services/data/v62.0/composite",
            r#"{"compositeRequest":[{"method":"GET","url":"/services/data/v62.0/query?q=SELECT+Id+FROM+User","referenceId":"a"},{"method":"GET","url":"/services/data/v62.0/sobjects/User/@{a.records[0].Id}","referenceId":"b"}]}"#,
        ),
        (
            Method::PATCH,
            "/services/data/v62.0/composite/sobjects",
            r#"{"allOrNone":true,"records":[{"attributes":{"type":"User"},"Id":"005000000000001AAA","City":"Bonn"}]}"#,
        ),
    ];
}

impl Probe for Scim2 {
    const PASSWORDS: &'static [&'static str] = &["password"];
    const PATHS: &'static [&'static str] = &[
        "/scim/v2/Users",
        "/scim/v2/Users/*",
        "/scim/v2/Groups",
        "/scim/v2/Groups/*",
        "/scim/v2/Users/.search",
        "/scim/v2/.search",
        "/scim/v2/Bulk",
        "/scim/v2/Me",
        "/scim/v2/Schemas/*",
        "/scim/v2/ResourceTypes/*",
        "/scim/v2/ServiceProviderConfig",
        "/scim/v2",
        "/scim/v2/*",
        "/token",
    ];
    const WORDS: &'static [&'static str] = &[
        "schemas",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:core:2.0:Group",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:api:messages:2.0:PatchOp",
        "urn:ietf:params:scim:api:messages:2.0:BulkRequest",
        "userName",
        "kim",
        "lee",
        "externalId",
        "name",
        "givenName",
        "familyName",
        "formatted",
        "displayName",
        "active",
        "False",
        "password",
        "emails",
        "value",
        "type",
        "work",
        "primary",
        "members",
        "members[value eq \"1\"]",
        "emails[type eq \"work\"].value",
        "Operations",
        "op",
        "add",
        "Replace",
        "remove",
        "path",
        "method",
        "POST",
        "PATCH",
        "/Users",
        "bulkId",
        "bulkId:a",
        "data",
        "version",
        "failOnErrors",
        "meta",
        "meta.lastModified",
        "ge",
        "eq",
        "co",
        "sw",
        "pr",
        "not",
        "and",
        "or",
        "manager",
        "$ref",
        "addresses",
        "roles",
        "x509Certificates",
        "photos",
        "filter",
        "sortBy",
        "startIndex",
        "count",
        "attributes",
        "excludedAttributes",
        "id",
    ];
    const QUERIES: &'static [&'static str] = &[
        "filter=userName+eq+%22kim%22+and+",
        "filter=",
        "filter=emails%5Btype+eq+%22work%22%5D",
        "attributes=",
        "excludedAttributes=",
        "sortBy=name.familyName&sortOrder=",
        "startIndex=1&count=",
        "cursor=&count=",
        "cursor=",
        "",
    ];
    const OPENINGS: &'static [(Method, &'static str, &'static str)] = &[
        (
            Method::POST,
            "/scim/v2/Users",
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"kim","password":"canary-P4ssw0rd","emails":[{"value":"kim@acme.example","type":"work","primary":true}]}"#,
        ),
        (
            Method::POST,
            "/scim/v2/Users",
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"lee","externalId":"7"}"#,
        ),
        (
            Method::POST,
            "/scim/v2/Groups",
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","members":[]}"#,
        ),
        (
            Method::PATCH,
            "/scim/v2/Users/*",
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"name.familyName","value":"Lee"},{"op":"remove","path":"emails[type eq \"work\"]"}]}"#,
        ),
        (
            Method::PUT,
            "/scim/v2/Users/*",
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"kim","active":"False"}"#,
        ),
        (
            Method::POST,
            "/scim/v2/Bulk",
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"POST","path":"/Groups","bulkId":"g","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"G","members":[{"value":"bulkId:u"}]}},{"method":"POST","path":"/Users","bulkId":"u","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"zoe"}}]}"#,
        ),
        (
            Method::PATCH,
            "/scim/v2/Users/*",
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"password","value":"canary-P4ssw0rd"},{"op":"replace","value":{"password":"canary-P4ssw0rd","urn:ietf:params:scim:schemas:core:2.0:User:password":"canary-P4ssw0rd"}}]}"#,
        ),
        (Method::DELETE, "/scim/v2/Users/*", ""),
    ];
}
