use serde_json::json;

use crate::lab::{Lab, Told, person};

/// Sends parts of (id, inner request) as the Python client does: lines end with a bare LF.
fn send(lab: &mut Lab, parts: &[(&str, String)], end: &str) -> Told {
    let parts = parts.iter().map(|(id, inner)| {
        let inner = inner.replace('\n', end);
        format!(
            "--===x=={end}Content-Type: application/http{end}Content-ID: {id}{end}{end}{inner}{end}"
        )
    });
    let body = parts.collect::<String>() + "--===x==--" + end;
    let mut request = lab.request("POST", "/batch", body.as_bytes());
    request.headers.insert(
        "content-type",
        "multipart/mixed; boundary=\"===x==\"".parse().unwrap(),
    );
    lab.send(&request)
}

fn insert(name: &str) -> String {
    let body = person(name).to_string();
    format!(
        "POST /admin/directory/v1/users?alt=json HTTP/1.1\nContent-Type: application/json\ncontent-length: {}\n\n{body}",
        body.len()
    )
}

#[test]
fn every_part_is_answered_in_order_under_its_own_id() {
    for end in ["\n", "\r\n"] {
        let mut lab = Lab::new();
        let get = |name: &str| {
            format!(
                "GET https://admin.googleapis.com/admin/directory/v1/users/{name}@acme.example HTTP/1.1\n\n"
            )
        };
        let told = send(
            &mut lab,
            &[
                ("<abc + 1>", insert("kim")),
                ("<abc + 2>", insert("kim")),
                ("three", get("kim")),
                (
                    "<abc + 4>",
                    "DELETE /admin/directory/v1/users/kim%40acme.example HTTP/1.1\n\n".into(),
                ),
                ("<abc + 5>", get("kim")),
                ("<abc + 6>", "nonsense".into()),
                ("<abc + 7>", "POST /batch HTTP/1.1\n\n".into()),
            ],
            end,
        );
        assert_eq!(told.status, 200);
        let kind = told.headers["content-type"].to_str().unwrap();
        let boundary = kind.strip_prefix("multipart/mixed; boundary=").unwrap();
        let parts: Vec<&str> = told.text.split(&format!("--{boundary}")).collect();
        assert_eq!((parts.len(), parts[0], parts[8]), (9, "", "--\r\n"));
        let expected = [
            ("<response-abc + 1>", "200 OK"),
            ("<response-abc + 2>", "409 Conflict"),
            ("response-three", "200 OK"),
            ("<response-abc + 4>", "204 No Content"),
            ("<response-abc + 5>", "404 Not Found"),
            ("<response-abc + 6>", "400 Bad Request"),
            ("<response-abc + 7>", "400 Bad Request"),
        ];
        for (part, (id, status)) in parts[1..8].iter().zip(expected) {
            assert!(
                part.contains(&format!(
                    "\r\nContent-ID: {id}\r\n\r\nHTTP/1.1 {status}\r\n"
                )),
                "{part}"
            );
        }
        assert_eq!(
            lab.changes.len(),
            2,
            "the changes of all parts are reported"
        );
    }
}

#[test]
fn a_part_has_its_own_token_or_that_of_the_whole() {
    let mut lab = Lab::new();
    let bad = "GET /admin/directory/v1/users/admin@acme.example HTTP/1.1\nAuthorization: Bearer nonsense\n\n".to_owned();
    let good = "GET /admin/directory/v1/users/admin@acme.example HTTP/1.1\n\n".to_owned();
    let told = send(&mut lab, &[("<1>", bad), ("<2>", good.clone())], "\n");
    assert!(
        told.text.contains("HTTP/1.1 401 Unauthorized") && told.text.contains("HTTP/1.1 200 OK"),
        "{}",
        told.text
    );
    lab.token = "nonsense".into();
    let told = send(&mut lab, &[("<1>", good)], "\n");
    assert!(told.status == 200 && told.text.contains("HTTP/1.1 401 Unauthorized"));
}

#[test]
fn a_thousand_calls_are_enough() {
    let mut lab = Lab::new();
    let one = "GET /admin/directory/v1/users/admin@acme.example?fields=id HTTP/1.1\n\n".to_owned();
    let many: Vec<_> = (0..1000).map(|_| ("<1>", one.clone())).collect();
    assert_eq!(send(&mut lab, &many, "\n").status, 200);
    let more: Vec<_> = (0..1001).map(|_| ("<1>", one.clone())).collect();
    send(&mut lab, &more, "\n").refused(400, "badRequest", "1001 items");
    send(&mut lab, &[], "\n").refused(400, "badRequest", "0 items");
    let request = lab.request(
        "POST",
        "/batch/admin/directory_v1",
        json!({}).to_string().as_bytes(),
    );
    lab.send(&request)
        .refused(400, "badRequest", "multipart/mixed");
}
