//! The SOAP calls of older clients.

use serde_json::Value;

use crate::kit::{BASE, Org};

const NS: &str = "http://schemas.xmlsoap.org/soap/envelope/";

fn call(org: &mut Org, path: &str, header: &str, body: &str) -> (u16, String) {
    let xml = format!(
        "<e:Envelope xmlns:e='{NS}'><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
    );
    let (status, body) = org.send(
        "POST",
        path,
        &[("content-type", "text/xml"), ("soapaction", "\"\"")],
        xml.as_bytes(),
    );
    (
        status,
        if let Value::String(text) = body {
            text
        } else {
            body.to_string()
        },
    )
}

fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    let start = text
        .find(&format!("<{tag}>"))
        .unwrap_or_else(|| panic!("no {tag} in {text}"))
        + tag.len()
        + 2;
    &text[start..start + text[start..].find("</").unwrap()]
}

#[test]
fn login_gives_a_session_that_rest_takes_and_logout_ends_it() {
    for (flavour, namespace) in [
        ("u", "urn:partner.soap.sforce.com"),
        ("c", "urn:enterprise.soap.sforce.com"),
    ] {
        let mut org = Org::locked();
        let (username, password) = (
            org.credential("username"),
            org.credential("password") + &org.credential("security_token"),
        );
        let path = format!("/services/Soap/{flavour}/59.0");
        let login = format!(
            "<n:login xmlns:n='{namespace}'><n:username>{username}</n:username><n:password>{password}</n:password></n:login>"
        );
        let (status, answer) = call(&mut org, &path, "", &login);
        assert_eq!(status, 200, "{answer}");
        assert!(answer.contains(namespace));
        assert_eq!(org.last.headers["content-type"], "text/xml;charset=UTF-8");
        assert_eq!(between(&answer, "passwordExpired"), "false");
        assert_eq!(between(&answer, "userName"), username);
        let server = between(&answer, "serverUrl")
            .strip_prefix(BASE)
            .unwrap()
            .to_owned();
        assert!(server.starts_with(&format!("{path}/00D")));
        org.token = between(&answer, "sessionId").to_owned();
        assert_eq!(org.get("/limits").0, 200);
        let header = format!(
            "<SessionHeader><sessionId>{}</sessionId></SessionHeader>",
            org.token
        );
        let (status, info) = call(&mut org, &server, &header, "<getUserInfo/>");
        assert_eq!(
            (status, between(&info, "userName")),
            (200, username.as_str())
        );
        let (status, fault) = call(
            &mut org,
            &server,
            &header,
            "<query><queryString>SELECT Id FROM User</queryString></query>",
        );
        assert_eq!(status, 500, "{fault}");
        assert_eq!(call(&mut org, &server, &header, "<logout/>").0, 200);
        assert_eq!(org.get("/limits").0, 401);
        let (status, fault) = call(&mut org, &server, &header, "<getUserInfo/>");
        assert_eq!(
            (status, between(&fault, "faultcode")),
            (500, "sf:INVALID_SESSION_ID")
        );
    }
}

#[test]
fn a_refused_login_is_the_fault_that_clients_read() {
    let mut org = Org::locked();
    let (status, fault) = call(
        &mut org,
        "/services/Soap/u/59.0",
        "",
        "<login><username>a&lt;b</username><password>x</password></login>",
    );
    assert_eq!(status, 500);
    assert_eq!(
        between(&fault, "faultstring"),
        "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
    );
    assert_eq!(between(&fault, "sf:exceptionCode"), "INVALID_LOGIN");
    let (status, fault) = call(&mut org, "/services/Soap/u/99.0", "", "<login/>");
    assert_eq!(
        (status, between(&fault, "sf:exceptionCode")),
        (500, "UNSUPPORTED_API_VERSION")
    );
    let (status, fault) = org.send("POST", "/services/Soap/u/59.0", &[], b"<not xml");
    assert_eq!(
        (status, between(fault.as_str().unwrap(), "faultcode")),
        (500, "soapenv:Client")
    );
    assert_eq!(org.send("GET", "/services/Soap/u/59.0", &[], b"").0, 405);
}
