//! Reads users from CSV or SCIM JSON, one at a time, however large the file is.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Claim, Claims, NewUser, QualifiedName, RoleName, Secret, StoreDomain, WSO2_DIALECT};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::ImportFormat;
use super::change::names_password;

/// One row: a user, or why it is none.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) name: Option<String>,
    pub(super) user: Result<NewUser, String>,
    /// What the row carries for the target; never a claim.
    pub(super) password: Option<Secret>,
}

/// Takes a row; `false` when nobody wants more.
pub(super) type Sink<'a> = dyn FnMut(Row) -> bool + 'a;

/// Reads all rows into a sink.
///
/// # Errors
/// What makes it impossible to read on, in words.
pub(super) fn read(
    content: Box<dyn Read + Send>,
    format: ImportFormat,
    sink: &mut Sink<'_>,
) -> Result<(), String> {
    let bytes = Arc::new(AtomicU64::new(0));
    let content = Counted {
        content,
        bytes: Arc::clone(&bytes),
    };
    match format {
        ImportFormat::Csv => csv(content, &bytes, sink),
        ImportFormat::Scim => scim(content, &bytes, sink),
    }
}

/// Counts what is read, for the progress.
struct Counted {
    content: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.bytes
            .fetch_add(u64::try_from(read).unwrap_or(0), Ordering::Relaxed);
        Ok(read)
    }
}

/// The columns that are not claims.
enum Column {
    Name,
    Store,
    Roles,
    Groups,
    Password,
    Claim(Claim),
}

fn csv(content: Counted, bytes: &AtomicU64, sink: &mut Sink<'_>) -> Result<(), String> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::Headers)
        .from_reader(content);
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let columns: Vec<Column> = header
        .iter()
        .map(|name| match name.trim_start_matches('\u{feff}') {
            name if name.eq_ignore_ascii_case("username") => Column::Name,
            name if name.eq_ignore_ascii_case("store") => Column::Store,
            name if name.eq_ignore_ascii_case("roles") => Column::Roles,
            name if name.eq_ignore_ascii_case("groups") => Column::Groups,
            name => match Claim::new(name) {
                claim if names_password(&claim) => Column::Password,
                claim => Column::Claim(claim),
            },
        })
        .collect();
    let claims = header.iter().zip(&columns);
    let claims = claims.filter(|(_, column)| matches!(column, Column::Claim(_)));
    let strange: Vec<String> = claims
        .filter_map(|(name, _)| {
            let name = name.trim_start_matches('\u{feff}');
            meant(name).map(|meant| format!("`{name}` (did you mean `{meant}`?)"))
        })
        .collect();
    if !strange.is_empty() {
        return Err(format!(
            "the header has {}; a claim that is really called so is written with its URI, as {WSO2_DIALECT}NAME",
            strange.join(" and ")
        ));
    }
    if !columns.iter().any(|column| matches!(column, Column::Name)) {
        return Err("the header has no column `userName`".to_owned());
    }
    for (number, record) in (1..).zip(reader.records()) {
        let read = match record {
            Ok(record) if record.len() != columns.len() => Err(format!(
                "it has {} columns, and the header has {}",
                record.len(),
                columns.len()
            )),
            Ok(record) => Ok(csv_user(&columns, &record)),
            Err(error) if error.is_io_error() => return Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if !sink(Row::of(number, bytes, read)) {
            return Ok(());
        }
    }
    Ok(())
}

/// The columns that are no claims, as they are written.
const COLUMNS: [&str; 5] = ["userName", "store", "roles", "groups", "password"];

/// Returns what a column was probably meant to be called: `role` would be kept as a claim of that name and assign nothing,
/// and `givenName` as a claim that no mapping asks for.
fn meant(name: &str) -> Option<&'static str> {
    let known = || {
        let core = CORE.iter().map(|(_, claim)| *claim);
        let many = MANY.iter().map(|(.., claim)| *claim);
        let more = ENTERPRISE_CLAIMS.iter().chain(ADDRESS_CLAIMS);
        core.chain(many).chain(more.map(|(_, claim)| *claim))
    };
    if name.contains(':') || known().any(|claim| claim == name) {
        return None;
    }
    let written = letters(name);
    let claim = known().find(|claim| letters(claim) == written);
    let is_near = |column: &&str| is_a_letter_off(&letters(column), &written);
    claim.or_else(|| COLUMNS.into_iter().find(is_near))
}

/// Returns the letters and digits of a name, in lower case: `User_Name` is `username`.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Tells whether two words are the same, or one of them has a letter more.
fn is_a_letter_off(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    let same = short.iter().zip(&long).take_while(|(a, b)| a == b);
    let same = same.count();
    match long.len() - short.len() {
        0 => same == short.len(),
        1 => short[same..] == long[same + 1..],
        _ => false,
    }
}

impl Row {
    fn of(number: u64, bytes: &AtomicU64, read: Result<(NewUser, Option<Secret>), String>) -> Self {
        let (user, password) = match read {
            Ok((user, password)) => (Ok(user), password),
            Err(told) => (Err(told), None),
        };
        Self {
            number,
            bytes: bytes.load(Ordering::Relaxed),
            name: user.as_ref().ok().map(|user| user.name.to_string()),
            user,
            password,
        }
    }
}

fn csv_user(columns: &[Column], record: &csv::StringRecord) -> (NewUser, Option<Secret>) {
    let mut name = String::new();
    let mut store = None;
    let mut claims = Claims::new();
    let mut roles = BTreeSet::new();
    let mut groups = BTreeSet::new();
    let mut password = None;
    for (column, value) in columns.iter().zip(record) {
        if let (Column::Password, false) = (column, value.is_empty()) {
            // As it stands: a space may belong to it.
            password = Some(Secret::new(value));
            continue;
        }
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        match column {
            Column::Name => value.clone_into(&mut name),
            Column::Store => store = Some(StoreDomain::new(value)),
            Column::Roles => roles = parts(value).map(RoleName::new).collect(),
            Column::Groups => groups = parts(value).map(QualifiedName::new).collect(),
            Column::Password => {}
            Column::Claim(claim) => {
                claims.insert(claim.clone(), vec![value.to_owned()]);
            }
        }
    }
    let name = match store {
        Some(store) => QualifiedName { store, name },
        None => QualifiedName::new(&name),
    };
    let user = NewUser {
        name,
        claims,
        roles,
        groups,
    };
    (user, password)
}

/// Several values of one cell are separated by `;` or `|`.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    value
        .split([';', '|'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn scim(content: Counted, bytes: &AtomicU64, sink: &mut Sink<'_>) -> Result<(), String> {
    let mut content = BufReader::new(content);
    let first = first_byte(&mut content)?;
    let mut feed = Feed {
        number: 0,
        bytes,
        sink,
        done: false,
    };
    let result = if first == Some(b'[') {
        let mut reader = serde_json::Deserializer::from_reader(content);
        Users(&mut feed).deserialize(&mut reader)
    } else {
        // A list response, or one user after the other: both are objects, told apart by `Resources`.
        let mut result = Ok(());
        while result.is_ok() && !feed.done && first_byte(&mut content)?.is_some() {
            let mut reader = serde_json::Deserializer::from_reader(&mut content);
            result = Users(&mut feed).deserialize(&mut reader);
        }
        result
    };
    if feed.done {
        Ok(())
    } else {
        result.map_err(|error| error.to_string())
    }
}

/// Skips white space and returns the next byte without taking it.
fn first_byte(content: &mut impl BufRead) -> Result<Option<u8>, String> {
    loop {
        let buffer = content.fill_buf().map_err(|error| error.to_string())?;
        let Some(byte) = buffer.first().copied() else {
            return Ok(None);
        };
        if !byte.is_ascii_whitespace() {
            return Ok(Some(byte));
        }
        content.consume(1);
    }
}

struct Feed<'f, 's> {
    number: u64,
    bytes: &'f AtomicU64,
    sink: &'f mut Sink<'s>,
    done: bool,
}

impl Feed<'_, '_> {
    fn push(&mut self, user: &Value) {
        self.number += 1;
        let name = user
            .get("userName")
            .and_then(Value::as_str)
            .map(str::to_owned);
        // Write-only, and a text. Source: RFC 7643, section 4.1.1.
        let password = user
            .get("password")
            .and_then(Value::as_str)
            .filter(|password| !password.is_empty())
            .map(Secret::new);
        let read = scim_user(user).map(|user| (user, password));
        let row = Row {
            name,
            ..Row::of(self.number, self.bytes, read)
        };
        self.done = !(self.sink)(row);
    }
}

/// Reads a user, an array of users, or a list response whose users stand under `Resources`, one user at a time.
struct Users<'f, 'a, 's>(&'f mut Feed<'a, 's>);

impl<'de> DeserializeSeed<'de> for Users<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Users<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SCIM user, an array of them, or a list response")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(user) = sequence.next_element::<Value>()? {
            self.0.push(&user);
            if self.0.done {
                // Nobody reads on: the rest of the array does not matter.
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut user = serde_json::Map::new();
        let mut is_list = false;
        while let Some(key) = map.next_key::<String>()? {
            if key.eq_ignore_ascii_case("resources") {
                is_list = true;
                map.next_value_seed(Users(&mut *self.0))?;
            } else {
                user.insert(key, map.next_value()?);
            }
        }
        if !is_list {
            self.0.push(&Value::Object(user));
        }
        Ok(())
    }
}

/// Core attributes and the claims they fill. Source: RFC 7643, section 4.1.
const CORE: &[(&str, &str)] = &[
    ("/name/givenName", "givenname"),
    ("/name/familyName", "lastname"),
    ("/name/middleName", "middleName"),
    ("/name/honorificPrefix", "honorificPrefix"),
    ("/name/honorificSuffix", "honorificSuffix"),
    ("/name/formatted", "fullname"),
    ("/displayName", "displayName"),
    ("/nickName", "nickname"),
    ("/title", "title"),
    ("/userType", "userType"),
    ("/preferredLanguage", "preferredLanguage"),
    ("/locale", "local"),
    ("/timezone", "timeZone"),
    ("/profileUrl", "url"),
];

/// Attributes with several values and the claims they fill. Source: RFC 7643, section 4.1.2.
const MANY: &[(&str, Option<&str>, &str)] = &[
    ("emails", None, "emailaddress"),
    ("phoneNumbers", Some("mobile"), "mobile"),
    ("phoneNumbers", Some("work"), "telephone"),
];

/// The enterprise extension. Source: RFC 7643, section 4.3.
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ENTERPRISE_CLAIMS: &[(&str, &str)] = &[
    ("employeeNumber", "employeeNumber"),
    ("costCenter", "costCenter"),
    ("organization", "organization"),
    ("division", "division"),
    ("department", "department"),
];

const ADDRESS_CLAIMS: &[(&str, &str)] = &[
    ("streetAddress", "streetaddress"),
    ("locality", "locality"),
    ("region", "stateorprovince"),
    ("postalCode", "postalcode"),
    ("country", "country"),
];

fn scim_user(resource: &Value) -> Result<NewUser, String> {
    let name = resource
        .get("userName")
        .and_then(Value::as_str)
        .filter(|name| !name.trim().is_empty())
        .ok_or("it has no `userName`")?;
    let mut claims = Claims::new();
    let mut put = |claim: &str, values: Vec<String>| {
        if !values.is_empty() {
            claims.insert(Claim::new(claim), values);
        }
    };
    for (pointer, claim) in CORE {
        put(
            claim,
            resource
                .pointer(pointer)
                .and_then(text)
                .into_iter()
                .collect(),
        );
    }
    for (attribute, kind, claim) in MANY {
        put(claim, values(resource.get(attribute), *kind));
    }
    if let Some(extension) = resource.get(ENTERPRISE) {
        for (attribute, claim) in ENTERPRISE_CLAIMS {
            put(
                claim,
                extension
                    .get(attribute)
                    .and_then(text)
                    .into_iter()
                    .collect(),
            );
        }
        let manager = extension.pointer("/manager/displayName");
        put("manager", manager.and_then(text).into_iter().collect());
    }
    if let Some(address) = list(resource.get("addresses")).first() {
        for (attribute, claim) in ADDRESS_CLAIMS {
            put(
                claim,
                address.get(attribute).and_then(text).into_iter().collect(),
            );
        }
    }
    Ok(NewUser {
        name: QualifiedName::new(name),
        claims,
        roles: values(resource.get("roles"), None)
            .iter()
            .map(|role| RoleName::new(role))
            .collect(),
        groups: list(resource.get("groups"))
            .iter()
            .filter_map(|group| group.get("display").or(group.get("value")).and_then(text))
            .map(|group| QualifiedName::new(&group))
            .collect(),
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the values of an attribute that holds several, the primary one first.
fn values(attribute: Option<&Value>, kind: Option<&str>) -> Vec<String> {
    let mut entries: Vec<&Value> = list(attribute)
        .iter()
        .filter(|entry| kind.is_none() || entry.get("type").and_then(Value::as_str) == kind)
        .collect();
    entries.sort_by_key(|entry| entry.get("primary") != Some(&Value::Bool(true)));
    entries
        .into_iter()
        .filter_map(|entry| text(entry).or_else(|| entry.get("value").and_then(text)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &'static str, format: ImportFormat) -> (Vec<Row>, Result<(), String>) {
        let mut rows = Vec::new();
        let result = read(Box::new(text.as_bytes()), format, &mut |row| {
            rows.push(row);
            true
        });
        (rows, result)
    }

    fn names(rows: &[Row]) -> Vec<String> {
        rows.iter()
            .map(|row| match &row.user {
                Ok(user) => user.name.to_string(),
                Err(told) => told.clone(),
            })
            .collect()
    }

    #[test]
    fn a_csv_header_maps_to_claims_and_a_short_row_is_an_error_of_its_own() {
        let (rows, result) = all(
            "userName,store,emailaddress,roles,groups\nkim,,kim@x.example,manager;employee,sales\nbob\nzoë,EMPLOYEES,\"a, b\",,\n",
            ImportFormat::Csv,
        );
        assert_eq!(result, Ok(()));
        assert_eq!(
            names(&rows),
            [
                "kim",
                "it has 1 columns, and the header has 5",
                "EMPLOYEES/zoë"
            ]
        );
        let kim = rows[0].user.as_ref().unwrap();
        assert_eq!(kim.roles.len(), 2);
        assert_eq!(kim.claims[&Claim::new("emailaddress")], ["kim@x.example"]);
        assert!(kim.groups.contains(&QualifiedName::new("sales")));
    }

    #[test]
    fn a_password_is_carried_beside_the_claims_and_never_shown() {
        let csv = "userName,Password,givenname\nkim, s3 cret,Kim\nbob,,Bob\n";
        let (rows, result) = all(csv, ImportFormat::Csv);
        assert_eq!(result, Ok(()));
        let uri = "userName,http://wso2.org/claims/password\nkim, s3 cret\n";
        let scim = r#"[{"userName":"kim","password":" s3 cret"},{"userName":"bob"}]"#;
        let (other, _) = all(uri, ImportFormat::Csv);
        let (third, _) = all(scim, ImportFormat::Scim);
        for rows in [&rows, &other, &third] {
            let password = rows[0].password.as_ref().unwrap();
            assert_eq!(password.expose(), " s3 cret");
            assert!(!format!("{rows:?}").contains("s3 cret"));
        }
        assert!(rows[1].password.is_none() && third[1].password.is_none());
        assert_eq!(rows[0].user.as_ref().unwrap().claims.len(), 1);
    }

    #[test]
    fn a_csv_without_user_names_is_refused_at_the_header() {
        let (rows, result) = all("name,mail\nkim,x\n", ImportFormat::Csv);
        assert!(rows.is_empty());
        assert!(result.unwrap_err().contains("userName"));
    }

    #[test]
    fn a_column_that_is_nearly_another_one_is_refused_and_what_was_meant_is_told() {
        let csv = "user_name,role,givenName,title\nkim,manager,Kim,Dr\n";
        let (rows, result) = all(csv, ImportFormat::Csv);
        assert!(rows.is_empty());
        let told = result.unwrap_err();
        for meant in [
            "`user_name` (did you mean `userName`?)",
            "`role` (did you mean `roles`?)",
            "`givenName` (did you mean `givenname`?)",
        ] {
            assert!(told.contains(meant), "{meant}: {told}");
        }
        assert!(!told.contains("title"), "{told}");
        // Whoever means a claim of that name says so; and a name of one's own is nobody's mistake.
        let csv = "userName,http://wso2.org/claims/role,score,badge\nkim,manager,1,2\n";
        let (rows, result) = all(csv, ImportFormat::Csv);
        assert_eq!(result, Ok(()));
        let kim = rows[0].user.as_ref().unwrap();
        assert_eq!(kim.claims[&Claim::new("role")], ["manager"]);
        assert_eq!(kim.claims[&Claim::new("score")], ["1"]);
    }

    #[test]
    fn scim_is_read_as_a_list_response_as_an_array_and_line_by_line() {
        let list = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":2,"Resources":[{"userName":"a"},{"userName":"b"}]}"#;
        let array = r#" [{"userName":"a"},{"userName":"b"}]"#;
        let lines = "{\"userName\":\"a\"}\n\n{\"userName\":\"b\"}\n";
        for text in [list, array, lines] {
            let (rows, result) = all(text, ImportFormat::Scim);
            assert_eq!(result, Ok(()), "{text}");
            assert_eq!(names(&rows), ["a", "b"], "{text}");
        }
    }

    #[test]
    fn scim_core_and_enterprise_attributes_become_claims() {
        let (rows, _) = all(
            r#"[{"userName":"kim","name":{"givenName":"Kim","familyName":"Lee"},
               "emails":[{"value":"old@x.example"},{"value":"kim@x.example","primary":true}],
               "phoneNumbers":[{"type":"mobile","value":"1"}],"roles":[{"value":"manager"}],
               "groups":[{"value":"1","display":"sales"}],
               "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D"}},{"displayName":"x"}]"#,
            ImportFormat::Scim,
        );
        let kim = rows[0].user.as_ref().unwrap();
        assert_eq!(
            kim.claims[&Claim::new("emailaddress")],
            ["kim@x.example", "old@x.example"]
        );
        assert_eq!(kim.claims[&Claim::new("department")], ["R&D"]);
        assert_eq!(kim.claims[&Claim::new("mobile")], ["1"]);
        assert!(kim.roles.contains(&RoleName::new("Internal/manager")));
        assert!(kim.groups.contains(&QualifiedName::new("sales")));
        assert_eq!(rows[1].user.as_ref().unwrap_err(), "it has no `userName`");
    }

    #[test]
    fn broken_json_ends_the_reading_after_the_rows_before_it() {
        let (rows, result) = all("[{\"userName\":\"a\"}, {oops", ImportFormat::Scim);
        assert_eq!(names(&rows), ["a"]);
        assert!(result.is_err());
    }
}
