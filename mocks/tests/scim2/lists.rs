//! Lists: paging by index and by cursor, sorting, search by POST.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Desk, USER};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn ten() -> Desk {
    let mut desk = Desk::new();
    for at in 0..10 {
        desk.user_with(
            &format!("user{at}"),
            json!({"title": format!("t{}", at % 3)}),
        );
    }
    desk
}

#[test]
fn an_index_and_a_count_cut_a_page_and_are_bent_into_range() {
    let mut desk = ten();
    let page = desk.get("/Users?startIndex=3&count=4").expect(200);
    assert_eq!(page.names(), ["user2", "user3", "user4", "user5"]);
    assert_eq!(
        page.body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"])
    );
    assert_eq!(
        (&page.body["totalResults"], &page.body["startIndex"]),
        (&json!(10), &json!(3))
    );
    assert_eq!(page.body["itemsPerPage"], 4);
    assert!(page.body.get("nextCursor").is_none());
    // Microsoft sends startindex=0; anything below 1 is 1, a negative count is 0 (RFC 7644, section 3.4.2.4).
    let first = desk.get("/Users?startindex=0&COUNT=2").expect(200);
    assert_eq!(
        (first.names().len(), &first.body["startIndex"]),
        (2, &json!(1))
    );
    assert_eq!(desk.get("/Users?startIndex=-5&count=1").names(), ["user0"]);
    for none in [
        "count=0",
        "count=-3",
        "startIndex=11",
        "startIndex=9223372036854775807",
    ] {
        let page = desk.get(&format!("/Users?{none}")).expect(200);
        assert_eq!(
            (&page.body["totalResults"], page.names().len()),
            (&json!(10), 0),
            "{none}"
        );
        assert_eq!(page.body["Resources"], json!([]));
    }
    desk.get("/Users?count=many").refused(400, "invalidValue");
    desk.get("/Users?startIndex=x").refused(400, "invalidValue");
    let filtered = desk
        .get("/Users?filter=title%20eq%20%22t0%22&startIndex=2&count=2")
        .expect(200);
    assert_eq!(filtered.names(), ["user3", "user6"]);
    assert_eq!(filtered.body["totalResults"], 4);
}

#[test]
fn a_cursor_visits_each_once_while_others_come_and_go() {
    let mut desk = ten();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = desk
            .get(&format!("/Users?cursor={cursor}&count=3"))
            .expect(200);
        assert!(page.body.get("startIndex").is_none());
        assert!(page.body["itemsPerPage"].as_u64().unwrap() <= 3);
        seen.extend(page.names());
        if seen.len() == 3 {
            let gone =
                desk.filter("/Users", r#"userName eq "user1""#).body["Resources"][0]["id"].clone();
            desk.delete(&format!("/Users/{}", gone.as_str().unwrap()))
                .expect(204);
        }
        match page.body.get("nextCursor").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let expected: Vec<String> = (0..10).map(|at| format!("user{at}")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_cursor_is_good_for_its_query_and_its_hour() {
    let mut desk = ten();
    let first = desk.get("/Users?cursor&count=4").expect(200);
    let next = first.body["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(
        desk.get(&format!("/Users?cursor={next}&count=100"))
            .expect(200)
            .names()
            .len(),
        6
    );
    desk.get(&format!("/Users?cursor={next}&filter=title%20pr"))
        .refused(400, "invalidCursor");
    desk.get(&format!("/Groups?cursor={next}"))
        .refused(400, "invalidCursor");
    desk.get("/Users?cursor=nonsense")
        .refused(400, "invalidCursor");
    desk.get(&format!("/Users?cursor={next}&startIndex=1"))
        .refused(400, "invalidValue");
    desk.get(&format!("/Users?cursor={next}&count=x"))
        .refused(400, "invalidCount");
    desk.now += SignedDuration::from_hours(2);
    desk.get(&format!("/Users?cursor={next}"))
        .refused(400, "expiredCursor");
    // A sorted and filtered list turns its pages too.
    let page = desk.get(
        "/Users?cursor=&count=3&sortBy=title&sortOrder=descending&filter=title%20ne%20%22t1%22",
    );
    assert_eq!(page.names(), ["user2", "user5", "user8"]);
    let next = page.body["nextCursor"].as_str().unwrap();
    let target = format!(
        "/Users?cursor={next}&count=9&sortBy=title&sortOrder=descending&filter=title%20ne%20%22t1%22"
    );
    assert_eq!(
        desk.get(&target).names(),
        ["user0", "user3", "user6", "user9"]
    );
}

#[test]
fn sorting_goes_by_the_case_rule_the_primary_value_and_puts_nothing_last() {
    let mut desk = Desk::new();
    desk.user_with(
        "b",
        json!({"emails": [{"value": "z@x"}, {"value": "a@x", "primary": true}], "title": "x"}),
    );
    desk.user_with("A", json!({"emails": [{"value": "m@x"}]}));
    desk.user_with("c", json!({"title": "W"}));
    assert_eq!(desk.get("/Users?sortBy=userName").names(), ["A", "b", "c"]);
    assert_eq!(
        desk.get("/Users?sortBy=userName&sortOrder=Descending")
            .names(),
        ["c", "b", "A"]
    );
    assert_eq!(desk.get("/Users?sortBy=emails").names(), ["b", "A", "c"]);
    assert_eq!(desk.get("/Users?sortBy=title").names(), ["c", "b", "A"]);
    assert_eq!(
        desk.get("/Users?sortBy=title&sortOrder=descending").names(),
        ["A", "b", "c"]
    );
    assert_eq!(
        desk.get("/Users?sortBy=meta.created&sortOrder=descending")
            .names(),
        ["c", "A", "b"]
    );
    assert_eq!(
        desk.get("/Users?sortBy=userName&startIndex=2&count=1")
            .names(),
        ["b"]
    );
    desk.get("/Users?sortBy=userName&sortOrder=sideways")
        .refused(400, "invalidValue");
    desk.get("/Users?sortBy=user%20name")
        .refused(400, "invalidValue");
}

#[test]
fn a_search_by_post_is_a_list() {
    let mut desk = ten();
    desk.group("g", &[]);
    let body = json!({"schemas": [SEARCH], "filter": "title eq \"t1\"", "sortBy": "userName",
        "sortOrder": "descending", "startIndex": 1, "count": 2, "attributes": ["userName"]});
    let found = desk.post("/Users/.search", &body).expect(200);
    assert_eq!(found.names(), ["user7", "user4"]);
    assert_eq!(found.body["Resources"][0].as_object().unwrap().len(), 3);
    assert_eq!(found.body["totalResults"], 3);
    let all = desk
        .post(
            "/.search",
            &json!({"schemas": [SEARCH], "count": 3, "cursor": ""}),
        )
        .expect(200);
    assert_eq!(all.names().len(), 3);
    let next = all.body["nextCursor"].clone();
    let rest = desk
        .post("/.search", &json!({"schemas": [SEARCH], "cursor": next}))
        .expect(200);
    assert_eq!(
        (rest.names().len(), rest.names().pop().unwrap()),
        (8, "g".to_owned())
    );
    desk.post("/.search", &json!({"schemas": [USER]}))
        .refused(400, "invalidValue");
    desk.post(
        "/.search",
        &json!({"schemas": [SEARCH], "filter": 7.5, "count": []}),
    )
    .refused(400, "invalidSyntax");
    desk.get("/.search").refused(405, "");
}
