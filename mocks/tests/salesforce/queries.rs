//! SOQL and its pages.

use serde_json::{Value, json};

use crate::kit::Org;

fn names(body: &Value) -> Vec<&str> {
    body["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["LastName"].as_str().unwrap())
        .collect()
}

fn staffed() -> Org {
    let mut org = Org::open();
    for (name, department) in [
        ("anna", "Sales"),
        ("bert", "sales"),
        ("carl", "IT"),
        ("dora", ""),
    ] {
        let mut person = org.person(name);
        person["Department"] = json!(department);
        person["FederationIdentifier"] = json!(format!("fed-{name}"));
        assert_eq!(org.post("/sobjects/User", &person).0, 201);
        org.wait(60);
    }
    org
}

#[test]
fn conditions_find_what_the_reference_says() {
    let mut org = staffed();
    let cases: [(&str, &[&str]); 27] = [
        ("Username = 'ANNA@acme.example'", &["anna"]),
        ("FederationIdentifier = 'fed-bert'", &["bert"]),
        ("Department = 'SALES'", &["anna", "bert"]),
        ("Department != 'Sales'", &["Admin", "carl", "dora"]),
        ("Department = null", &["Admin", "dora"]),
        ("Department != null", &["anna", "bert", "carl"]),
        ("Department = ''", &["Admin", "dora"]),
        (
            "LastName LIKE '%r%' AND IsActive = true",
            &["bert", "carl", "dora"],
        ),
        ("LastName LIKE '_nna'", &["anna"]),
        ("NOT LastName LIKE 'a%'", &["bert", "carl", "dora"]),
        ("LastName IN ('anna', 'Carl', 'nobody')", &["anna", "carl"]),
        (
            "LastName NOT IN ('anna', 'Carl')",
            &["Admin", "bert", "dora"],
        ),
        (
            "Username IN ('dora@acme.example','anna@acme.example')",
            &["anna", "dora"],
        ),
        (
            "(LastName = 'anna' OR LastName = 'bert') AND Department = 'Sales'",
            &["anna", "bert"],
        ),
        (
            "LastName = 'anna' OR (LastName = 'bert' AND IsActive = false)",
            &["anna"],
        ),
        (
            "Username = 'anna@acme.example' OR Username = 'bert@acme.example'",
            &["anna", "bert"],
        ),
        ("LastName > 'bert'", &["carl", "dora"]),
        ("LastName <= 'anna'", &["Admin", "anna"]),
        ("CreatedDate > 2026-11-22T10:01:30Z", &["carl", "dora"]),
        ("CreatedDate = 2026-11-22T11:01:00.000+01:00", &["bert"]),
        ("CreatedDate = TODAY AND LastName < 'b'", &["anna"]),
        ("CreatedDate < TODAY", &["Admin"]),
        (
            "CreatedDate = LAST_N_DAYS:3 AND IsActive != false",
            &["anna", "bert", "carl", "dora"],
        ),
        ("Profile.Name = 'System Administrator'", &["Admin"]),
        (
            "Profile.UserLicense.LicenseDefinitionKey = 'SFDC' AND LastName = 'dora'",
            &["dora"],
        ),
        ("NumberOfFailedLogins = 0 AND LastName = 'carl'", &["carl"]),
        ("Manager.Username = null AND LastName = 'carl'", &["carl"]),
    ];
    for (condition, expected) in cases {
        let body = org.soql(&format!("SELECT Id, LastName FROM User WHERE {condition}"));
        assert_eq!(names(&body), expected, "{condition}");
        assert_eq!(
            (body["totalSize"].as_u64(), body["done"].as_bool()),
            (Some(expected.len() as u64), Some(true))
        );
    }
}

#[test]
fn order_limit_and_offset_do_what_they_say() {
    let mut org = staffed();
    for (tail, expected) in [
        (
            "ORDER BY LastName DESC",
            &["dora", "carl", "bert", "anna", "Admin"][..],
        ),
        (
            "ORDER BY Department, LastName",
            &["Admin", "dora", "carl", "anna", "bert"],
        ),
        (
            "ORDER BY Department NULLS LAST, LastName DESC",
            &["carl", "bert", "anna", "dora", "Admin"],
        ),
        (
            "ORDER BY Department DESC, LastName",
            &["Admin", "dora", "anna", "bert", "carl"],
        ),
        ("ORDER BY LastName LIMIT 2 OFFSET 1", &["anna", "bert"]),
        ("LIMIT 0", &[]),
        ("order by createddate asc limit 2", &["Admin", "anna"]),
    ] {
        assert_eq!(
            names(&org.soql(&format!("SELECT LastName FROM User {tail}"))),
            expected,
            "{tail}"
        );
    }
    assert_eq!(
        Org::code(&org.ask("SELECT Id FROM User OFFSET 2001").1),
        "NUMBER_OUTSIDE_VALID_RANGE"
    );
}

/// The Salesforce CLI asks for the columns before the rows, and cannot print a table without (`sf data query`).
#[test]
fn the_columns_of_a_query_are_told_without_its_rows() {
    let mut org = staffed();
    let ask = "/query?columns=true&q=SELECT+Id,LastName,Profile.Name,Profile.Id,IsActive+FROM+User";
    let (status, body) = org.get(ask);
    assert_eq!(status, 200);
    assert_eq!(body["entityName"], "User");
    assert_eq!(body["keyPrefix"], "005");
    assert_eq!(
        (&body["idSelected"], &body["groupBy"]),
        (&json!(true), &json!(false))
    );
    let columns = body["columnMetadata"].as_array().unwrap();
    let names: Vec<&str> = columns
        .iter()
        .map(|column| column["columnName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Id", "LastName", "Profile", "IsActive"]);
    assert_eq!(
        columns[1],
        json!({
            "aggregate": false, "apexType": "String", "booleanType": false, "columnName": "LastName", "custom": false,
            "displayName": "LastName", "foreignKeyName": null, "insertable": true, "joinColumns": [],
            "numberType": false, "textType": true, "updatable": true,
        })
    );
    let joined = columns[2]["joinColumns"].as_array().unwrap();
    assert_eq!(joined.len(), 2);
    assert_eq!(
        (&joined[0]["columnName"], &joined[1]["apexType"]),
        (&json!("Name"), &json!("Id"))
    );
    assert_eq!(columns[3]["booleanType"], true);

    let (_, body) = org.get("/query?columns=true&q=SELECT+Department,COUNT(Id),MAX(CreatedDate)+last+FROM+User+GROUP+BY+Department");
    assert_eq!(body["groupBy"], true);
    let columns = body["columnMetadata"].as_array().unwrap();
    assert_eq!(columns[0]["columnName"], "Department");
    assert_eq!(
        (&columns[1]["columnName"], &columns[1]["displayName"]),
        (&json!("expr0"), &json!("COUNT(Id)"))
    );
    assert_eq!(
        (&columns[1]["aggregate"], &columns[1]["apexType"]),
        (&json!(true), &json!("Integer"))
    );
    assert_eq!(
        (&columns[2]["columnName"], &columns[2]["apexType"]),
        (&json!("last"), &json!("Datetime"))
    );
    let (_, body) = org.get("/query?columns=true&q=SELECT+COUNT()+FROM+User");
    assert_eq!(body["columnMetadata"], json!([]));
    assert_eq!(org.get("/query?columns=true&q=SELECT+Pet+FROM+User").0, 400);
}

#[test]
fn a_parameter_that_nothing_looks_at_is_named() {
    let mut org = Org::open();
    let named = |org: &Org| org.last.headers.get("x-mock-unsupported").cloned();
    assert_eq!(
        org.get("/query?q=SELECT+Id+FROM+User&pet=cat&fields=Id").0,
        200
    );
    assert_eq!(named(&org).unwrap(), "parameter pet");
    assert_eq!(org.get("/query?q=SELECT+Id+FROM+User&columns=false").0, 200);
    assert_eq!(named(&org), None);
}

#[test]
fn columns_come_as_asked_with_their_attributes() {
    let mut org = staffed();
    let body = org.soql("SELECT u.Username, Profile.Name, Profile.UserLicense.Name, Manager.Name, IsActive FROM User u WHERE LastName = 'anna'");
    let record = &body["records"][0];
    assert_eq!(record["attributes"]["type"], "User");
    assert_eq!(record.get("Id"), None);
    assert_eq!(record["Profile"]["attributes"]["type"], "Profile");
    assert_eq!(record["Profile"]["Name"], "Standard User");
    assert_eq!(record["Profile"]["UserLicense"]["Name"], "Salesforce");
    assert_eq!(record["Manager"], Value::Null);
    assert_eq!(record["IsActive"], true);
    let all = org.soql("SELECT FIELDS(ALL) FROM User LIMIT 1");
    assert!(all["records"][0].as_object().unwrap().len() > 80);
    let custom = org.soql("SELECT FIELDS(CUSTOM) FROM User LIMIT 1");
    assert_eq!(custom["records"][0]["External_Id__c"], Value::Null);
    assert_eq!(org.ask("SELECT FIELDS(ALL) FROM User").0, 400);
}

#[test]
fn counts_and_other_aggregates_are_computed() {
    let mut org = staffed();
    assert_eq!(
        org.soql("SELECT COUNT() FROM User WHERE Department = 'Sales'"),
        json!({"totalSize": 2, "done": true, "records": []})
    );
    let body = org.soql("SELECT count(Id) total, COUNT(Department), COUNT_DISTINCT(Department), MIN(LastName), MAX(CreatedDate) FROM User");
    assert_eq!(
        body["records"],
        json!([{"attributes": {"type": "AggregateResult"}, "total": 5, "expr1": 3, "expr2": 2, "expr3": "Admin", "expr4": "2026-11-22T10:03:00.000+0000"}])
    );
    let grouped = org
        .soql("SELECT Department, COUNT(Id) n FROM User GROUP BY Department ORDER BY Department");
    assert_eq!(grouped["totalSize"], 3);
    assert_eq!(grouped["records"][1]["n"], 1);
    assert_eq!(
        grouped["records"][2],
        json!({"attributes": {"type": "AggregateResult"}, "Department": "Sales", "n": 2})
    );
    assert_eq!(
        Org::code(&org.ask("SELECT LastName, COUNT(Id) FROM User").1),
        "MALFORMED_QUERY"
    );
}

#[test]
fn refusals_point_at_the_place() {
    let mut org = Org::open();
    for (query, code, needle) in [
        (
            "SELECT Id, Shoe FROM User",
            "INVALID_FIELD",
            "\nSELECT Id, Shoe FROM User\n           ^\nERROR at Row:1:Column:12\nNo such column 'Shoe' on entity 'User'.",
        ),
        (
            "SELECT Id FROM Shoe",
            "INVALID_TYPE",
            "sObject type 'Shoe' is not supported.",
        ),
        (
            "SELECT Id FROM User WHERE IsActive = 'true'",
            "INVALID_FIELD",
            "value of filter criterion for field 'IsActive' must be of type boolean and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM User WHERE Alias = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM User WHERE CreatedDate > 2026-11-22",
            "INVALID_FIELD",
            "must be of type dateTime",
        ),
        (
            "SELECT Id FROM User WHERE Id = 'x'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: x",
        ),
        (
            "SELECT Id FROM User WHERE AboutMe = 'x'",
            "INVALID_FIELD",
            "can not be filtered",
        ),
        (
            "SELECT Shoe.Name FROM User",
            "INVALID_FIELD",
            "Didn't understand relationship 'Shoe' in field path.",
        ),
        (
            "SELECT Id, Id FROM User",
            "INVALID_FIELD",
            "duplicate field selected: Id",
        ),
        (
            "SELECT Id FROM User WHERE userName eq 'x'",
            "MALFORMED_QUERY",
            "unexpected token: 'eq'",
        ),
        (
            "q=SELECT Id FROM User",
            "MALFORMED_QUERY",
            "unexpected token: 'q'",
        ),
    ] {
        let (status, body) = org.ask(query);
        assert_eq!((status, Org::code(&body)), (400, code), "{query}");
        assert!(
            body[0]["message"].as_str().unwrap().contains(needle),
            "{body}"
        );
    }
    assert_eq!(
        org.get("/query").1[0]["message"],
        "A query string has to be specified"
    );
    assert_eq!(org.get("/query?explain=SELECT").0, 501);
    assert_eq!(org.get("/search?q=FIND").0, 501);
    // What jsforce asks for with `layouts()` and `listviews()`: no words about external ids.
    for part in [
        "describe/layouts",
        "describe/layouts/012000000000000AAA",
        "describe/compactLayouts",
        "listviews",
        "quickActions",
    ] {
        let (status, body) = org.get(&format!("/sobjects/User/{part}"));
        assert_eq!(status, 501, "{part}");
        assert_eq!(body[0]["errorCode"], "FUNCTIONALITY_NOT_ENABLED");
    }
}

#[test]
fn pages_visit_each_record_once_and_survive_changes() {
    let mut org = Org::open();
    for number in 0..450 {
        org.hire(&format!("u{number}"));
    }
    let options = [("sforce-query-options", "batchSize=200")];
    let (_, mut page) = org.send(
        "GET",
        "/services/data/v59.0/query?q=SELECT+Id+FROM+User",
        &options,
        b"",
    );
    let mut seen = Vec::new();
    loop {
        let ids = page["records"].as_array().unwrap();
        seen.extend(
            ids.iter()
                .map(|record| record["Id"].as_str().unwrap().to_owned()),
        );
        assert_eq!(page["totalSize"], 451);
        if page["done"] == true {
            assert_eq!(page.get("nextRecordsUrl"), None);
            break;
        }
        let next = page["nextRecordsUrl"].as_str().unwrap().to_owned();
        assert!(
            next.starts_with("/services/data/v59.0/query/01g") && next.contains('-'),
            "{next}"
        );
        org.hire(&format!("late{}", seen.len()));
        page = org.send("GET", &next, &[], b"").1;
    }
    assert_eq!(seen.len(), 451);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 451);
    for locator in ["x", "01gHX0000000009AAA-200", "01gHX0000000001-99999"] {
        let (status, body) = org.get(&format!("/query/{locator}"));
        assert_eq!((status, Org::code(&body)), (400, "INVALID_QUERY_LOCATOR"));
    }
}

#[test]
fn a_batch_size_is_a_hint_between_bounds_and_ten_cursors_stay_open() {
    let mut org = Org::open();
    for number in 0..250 {
        org.hire(&format!("u{number}"));
    }
    let target = "/services/data/v59.0/queryAll?q=SELECT+Id+FROM+User";
    for (size, expected) in [
        ("batchSize=1", 200),
        ("batchSize=9999", 251),
        ("nonsense", 251),
    ] {
        let (_, page) = org.send("GET", target, &[("sforce-query-options", size)], b"");
        assert_eq!(
            page["records"].as_array().unwrap().len(),
            expected,
            "{size}"
        );
    }
    let options = [("sforce-query-options", "batchSize=200")];
    let cursors: Vec<String> = (0..11)
        .map(|_| {
            org.send("GET", target, &options, b"").1["nextRecordsUrl"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(org.send("GET", &cursors[0], &[], b"").0, 400);
    assert_eq!(org.send("GET", &cursors[1], &[], b"").0, 200);
    org.wait(3 * 24 * 3600);
    assert_eq!(org.send("GET", &cursors[1], &[], b"").0, 401);
}

#[test]
fn other_objects_are_read() {
    let mut org = Org::open();
    let body = org.soql("SELECT Id, Name, IsSandbox FROM Organization");
    let id = body["records"][0]["Id"].as_str().unwrap().to_owned();
    assert!(org.token.starts_with(&id[..15]));
    assert_eq!(
        org.get(&format!("/sobjects/Organization/{id}")).1["Name"],
        "Outbound Example"
    );
    for object in [
        "Profile",
        "UserLicense",
        "UserRole",
        "PermissionSet",
        "Group",
    ] {
        assert!(
            org.soql(&format!("SELECT COUNT() FROM {object}"))["totalSize"]
                .as_u64()
                .unwrap()
                > 0,
            "{object}"
        );
    }
    assert_eq!(
        org.soql("SELECT Name FROM Profile WHERE Name = 'Chatter Free User'")["totalSize"],
        1
    );
}
