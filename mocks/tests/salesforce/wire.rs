//! The same over a socket: what the server adds must not change what the vendor says.

use outbound_mocks::SalesforceMock;
use serde_json::{Value, json};

use crate::raw::{Reply, ask};

async fn call(server: &SalesforceMock, method: &str, path: &str, head: &str, body: &str) -> Reply {
    ask(server.address(), method, path, head, body.as_bytes())
        .await
        .unwrap()
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_str(&reply.text()).unwrap()
}

#[tokio::test]
async fn a_login_a_create_and_a_query_over_a_socket() {
    let server = SalesforceMock::builder()
        .daily_limit(50)
        .seed("[[salesforce.users]]\nUsername = 'lee@acme.example'\n")
        .start()
        .await
        .unwrap();
    let own = server
        .mock()
        .with_vendor(|salesforce| salesforce.credentials(&server.base_url()));
    let text = |name: &str| own[name].as_str().unwrap().to_owned();
    let form = format!(
        "grant_type=password&client_id={}&client_secret={}&username={}&password={}{}",
        text("consumer_key"),
        text("consumer_secret"),
        text("username"),
        text("password"),
        text("security_token")
    );
    let head = "Content-Type: application/x-www-form-urlencoded\r\n";
    let reply = call(&server, "POST", "/services/oauth2/token", head, &form).await;
    let granted = json_of(&reply);
    assert_eq!(reply.status, 200, "{granted}");
    assert_eq!(granted["instance_url"], server.base_url());

    let token = granted["access_token"].as_str().unwrap();
    let head = format!("Authorization: OAuth {token}\r\nContent-Type: application/json\r\n");
    let root = "/services/data/v59.0";
    let query =
        format!("{root}/query?q=SELECT+ProfileId+FROM+User+WHERE+Username='lee@acme.example'");
    let reply = call(&server, "GET", &query, &head, "").await;
    assert_eq!(reply.header("sforce-limit-info"), Some("api-usage=1/50"));
    let profile = json_of(&reply)["records"][0]["ProfileId"].clone();
    let person = json!({
        "Username": "kim@acme.example", "LastName": "Kim", "Email": "kim@acme.example", "Alias": "kim",
        "TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US",
        "ProfileId": profile,
    });
    let path = format!("{root}/sobjects/user/");
    let reply = call(&server, "POST", &path, &head, &person.to_string()).await;
    assert_eq!(reply.status, 201);
    let reply = call(&server, "POST", &path, &head, &person.to_string()).await;
    assert_eq!(json_of(&reply)[0]["errorCode"], "DUPLICATE_USERNAME");
    assert_eq!(reply.header("sforce-limit-info"), Some("api-usage=3/50"));
    let names: Vec<String> = server
        .mock()
        .log()
        .iter()
        .map(|entry| entry.operation.to_string())
        .collect();
    assert_eq!(names, ["token", "query", "User.create", "User.create"]);

    // Sessions outlive a reset; users do not.
    server.mock().reset();
    let reply = call(
        &server,
        "GET",
        &format!("{root}/query?q=SELECT+COUNT()+FROM+User"),
        &head,
        "",
    )
    .await;
    assert_eq!(json_of(&reply)["totalSize"], 2);
}
