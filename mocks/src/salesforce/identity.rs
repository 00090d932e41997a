//! Who is logged in: the identity URL and `userinfo`. Their refusals are plain text, unlike everything else.
//!
//! Source: Salesforce Help, "Identity URLs" and "Query for User Information" (`remoteaccess_using_openid`).

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Salesforce,
    error::{self, Problem},
    id::Id,
    schema::USER,
    session::Session,
    store::Record,
};
use crate::vendor::{Answer, Request};

impl Salesforce {
    /// Reads the session out of the `Authorization` header (`Bearer` and `OAuth` alike).
    pub(crate) fn session(&self, request: &Request) -> Result<Session, Problem> {
        let now = request.now.as_millisecond();
        let token = bearer(request).ok_or_else(Problem::session)?;
        self.session_of(token, now).ok_or_else(Problem::session)
    }

    /// Reads an access token. A user who was deactivated has no session any more.
    pub(crate) fn session_of(&self, token: &str, now: i64) -> Option<Session> {
        let session = self
            .sessions
            .check(self.org.id, &self.org.consumer_secret, token, now)?;
        let gone = self
            .store
            .get(USER, session.user)
            .is_some_and(|user| !user.flag(self.user_places().active));
        (!gone).then_some(session)
    }

    /// `GET /services/oauth2/userinfo`
    pub(crate) fn userinfo(&self, request: &Request) -> Answer {
        match self.named_user(request) {
            Err(word) => refused(word),
            Ok(user) => error::ok(StatusCode::OK, &self.openid(&request.base_url, &user)),
        }
    }

    /// `GET /id/<organization>/<user>`
    pub(crate) fn identity(&self, request: &Request, organization: &str, user: &str) -> Answer {
        let asking = match self.named_user(request) {
            Err(word) => return refused(word),
            Ok(user) => user,
        };
        let same =
            Id::parse(organization) == Some(self.org.id) && Id::parse(user) == Some(asking.id);
        if !same {
            return refused("Bad_Id");
        }
        error::ok(
            StatusCode::OK,
            &self.identity_of(&request.base_url, &asking),
        )
    }

    fn named_user(&self, request: &Request) -> Result<Arc<Record>, &'static str> {
        let query = request
            .query_value("oauth_token")
            .or_else(|| request.query_value("access_token"));
        let token = bearer(request)
            .map(str::to_owned)
            .or(query)
            .ok_or("Missing_OAuth_Token")?;
        let session = self
            .session_of(&token, request.now.as_millisecond())
            .ok_or("Bad_OAuth_Token")?;
        self.store
            .get(USER, session.user)
            .cloned()
            .ok_or("Bad_OAuth_Token")
    }

    fn member(&self, user: &Record, field: &str) -> Value {
        let kind = self.schema.get(USER);
        user.to_json(kind, kind.at(field))
    }

    fn openid(&self, base_url: &str, user: &Record) -> Value {
        let field = |name| self.member(user, name);
        json!({
            "sub": self.identity_url(base_url, user.id),
            "user_id": user.id.to_string(),
            "organization_id": self.org.id.to_string(),
            "preferred_username": field("Username"),
            "nickname": field("CommunityNickname"),
            "name": field("Name"),
            "email": field("Email"),
            "email_verified": true,
            "given_name": field("FirstName"),
            "family_name": field("LastName"),
            "zoneinfo": field("TimeZoneSidKey"),
            "photos": photos(base_url),
            "profile": format!("{base_url}/{}", user.id),
            "picture": format!("{base_url}/profilephoto/005/F"),
            "address": {"country": field("Country")},
            "is_salesforce_integration_user": false,
            "urls": urls(base_url, self.org.id, user.id),
            "active": field("IsActive"),
            "user_type": self.user_type(user),
            "language": field("LanguageLocaleKey"),
            "locale": field("LocaleSidKey"),
            "utcOffset": 0,
            "updated_at": self.iso(user),
        })
    }

    fn identity_of(&self, base_url: &str, user: &Record) -> Value {
        let field = |name| self.member(user, name);
        json!({
            "id": self.identity_url(base_url, user.id),
            "asserted_user": true,
            "user_id": user.id.to_string(),
            "organization_id": self.org.id.to_string(),
            "username": field("Username"),
            "nick_name": field("CommunityNickname"),
            "display_name": field("Name"),
            "email": field("Email"),
            "email_verified": true,
            "first_name": field("FirstName"),
            "last_name": field("LastName"),
            "timezone": field("TimeZoneSidKey"),
            "photos": photos(base_url),
            "addr_street": field("Street"),
            "addr_city": field("City"),
            "addr_state": field("State"),
            "addr_country": field("Country"),
            "addr_zip": field("PostalCode"),
            "mobile_phone": field("MobilePhone"),
            "mobile_phone_verified": false,
            "is_lightning_login_user": false,
            "status": {"created_date": null, "body": null},
            "urls": urls(base_url, self.org.id, user.id),
            "active": field("IsActive"),
            "user_type": self.user_type(user),
            "language": field("LanguageLocaleKey"),
            "locale": field("LocaleSidKey"),
            "utcOffset": 0,
            "last_modified_date": self.iso(user),
            "is_app_installed": true,
        })
    }

    fn user_type(&self, user: &Record) -> Value {
        let word = self.member(user, "UserType");
        Value::String(word.as_str().unwrap_or("Standard").to_uppercase())
    }

    /// The moment of the last change; these two resources write `Z` where records have `.000+0000`.
    fn iso(&self, user: &Record) -> Value {
        let moment = self.member(user, "LastModifiedDate");
        Value::String(
            moment
                .as_str()
                .unwrap_or_default()
                .replace(".000+0000", "Z")
                .replace("+0000", "Z"),
        )
    }
}

/// Returns the token of an `Authorization` header.
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    let known = ["bearer", "oauth"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    known.then(|| token.trim())
}

/// A refusal in one word.
fn refused(word: &'static str) -> Answer {
    Answer::bytes(StatusCode::FORBIDDEN, "text/html;charset=UTF-8", word)
}

fn photos(base_url: &str) -> Value {
    json!({"picture": format!("{base_url}/profilephoto/005/F"), "thumbnail": format!("{base_url}/profilephoto/005/T")})
}

/// The addresses of the other APIs; `{version}` is for the client to fill in.
fn urls(base_url: &str, organization: Id, user: Id) -> Value {
    json!({
        "enterprise": format!("{base_url}/services/Soap/c/{{version}}/{}", organization.short()),
        "metadata": format!("{base_url}/services/Soap/m/{{version}}/{}", organization.short()),
        "partner": format!("{base_url}/services/Soap/u/{{version}}/{}", organization.short()),
        "rest": format!("{base_url}/services/data/v{{version}}/"),
        "sobjects": format!("{base_url}/services/data/v{{version}}/sobjects/"),
        "search": format!("{base_url}/services/data/v{{version}}/search/"),
        "query": format!("{base_url}/services/data/v{{version}}/query/"),
        "recent": format!("{base_url}/services/data/v{{version}}/recent/"),
        "tooling_soap": format!("{base_url}/services/Soap/T/{{version}}/{}", organization.short()),
        "tooling_rest": format!("{base_url}/services/data/v{{version}}/tooling/"),
        "profile": format!("{base_url}/{user}"),
        "feeds": format!("{base_url}/services/data/v{{version}}/chatter/feeds"),
        "groups": format!("{base_url}/services/data/v{{version}}/chatter/groups"),
        "users": format!("{base_url}/services/data/v{{version}}/chatter/users"),
        "feed_items": format!("{base_url}/services/data/v{{version}}/chatter/feed-items"),
        "feed_elements": format!("{base_url}/services/data/v{{version}}/chatter/feed-elements"),
        "custom_domain": base_url,
    })
}
