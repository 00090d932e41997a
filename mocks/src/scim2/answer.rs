//! Answers one request: credentials, headers, method, then the operation.

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;

use super::{
    Scim2,
    auth::{self, Caller},
    discovery,
    error::{MEDIA_TYPE, Refusal},
    etag::Precondition,
    list::{self, Query},
    operations::{Turn, password_hash},
    patch,
    personality::PatchAnswer,
    projection::Projection,
    routes::Place,
    schema::Kind,
    store::Row,
};
use crate::{
    sheet,
    vendor::{Answer, Change, Request, UNSUPPORTED_HEADER},
};

impl Scim2 {
    /// Answers a request; a refusal is put into the personality's words.
    pub(crate) fn respond(&mut self, request: &Request, changes: &mut Vec<Change>) -> Answer {
        let (place, base_path) = self.place(request);
        let base = format!("{}{base_path}", request.base_url);
        let ignored = ignored_parameters(request, &place);
        let answer = self.try_respond(request, place, &base, changes);
        let mut answer = answer.unwrap_or_else(|refusal| refusal.answer(self.personality()));
        if !ignored.is_empty() {
            answer = answer.with_header(UNSUPPORTED_HEADER, &ignored);
        }
        if request.method == Method::HEAD {
            answer.body.clear();
        }
        answer
    }

    fn try_respond(
        &mut self,
        request: &Request,
        place: Place,
        base: &str,
        changes: &mut Vec<Change>,
    ) -> Result<Answer, Refusal> {
        let settings = self.settings.clone();
        let http = &settings.personality.http;
        if http.user_agent_required
            && request
                .header(header::USER_AGENT.as_str())
                .is_none_or(str::is_empty)
        {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "A User-Agent header is required.",
            ));
        }
        if place == Place::Token && request.method == Method::POST {
            return Ok(auth::token(
                request,
                &settings.credentials,
                &mut self.tokens,
            ));
        }
        let caller = match place {
            // Discovery is open to everybody; whoever brings credentials may bring wrong ones.
            ref place if place.is_discovery() => Caller::Client { user_name: None },
            _ => auth::authenticate(
                request,
                &settings.credentials,
                &self.tokens,
                |name, password| self.knows_password(name, password),
            )?,
        };
        if place == Place::Unknown {
            return Err(nowhere(request));
        }
        let method = if request.method == Method::HEAD {
            "GET"
        } else {
            request.method.as_str()
        };
        let methods = place.methods(http.put);
        if !methods.contains(&method) {
            let status = StatusCode::from_u16(http.unsupported_method)
                .unwrap_or(StatusCode::METHOD_NOT_ALLOWED);
            let refusal = Refusal::new(status, format!("{method} is not supported here."));
            return Ok(refusal
                .answer(&settings.personality)
                .with_header(header::ALLOW, &methods.join(", ")));
        }
        check_media_types(request)?;
        if matches!(caller, Caller::User { .. }) && place != Place::Me {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "A user may see and change itself only.",
            ));
        }
        if place.is_discovery() {
            return self.discover(request, &place, base);
        }
        let turn = Turn {
            now: request.now,
            precondition: Precondition {
                if_match: request.header(header::IF_MATCH.as_str()),
                if_none_match: request.header(header::IF_NONE_MATCH.as_str()),
            },
            changes,
        };
        match place {
            Place::Root => self.list(request, &Kind::ALL, base),
            Place::Collection(kind) if method == "GET" => self.list(request, &[kind], base),
            Place::Collection(kind) => self.post(request, kind, base, turn),
            Place::Search(_) if !settings.personality.features.search => {
                Err(not_implemented(".search"))
            }
            Place::Search(kind) => {
                let query = Query::from_body(json_body(request)?, self.personality())?;
                let kinds = kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
                self.listed(&query, &kinds, base, request)
            }
            Place::Bulk if !settings.personality.features.bulk => Err(not_implemented("Bulk")),
            Place::Bulk => {
                let mut turn = turn;
                let body = self.bulk(request, base, &mut turn)?;
                Ok(Answer::json(StatusCode::OK, MEDIA_TYPE, &body))
            }
            Place::Me => self.me(request, &caller, base, turn),
            Place::Item(kind, id) => self.item(request, kind, &id, base, turn),
            Place::Token
            | Place::ServiceProviderConfig
            | Place::ResourceTypes(_)
            | Place::Schemas(_)
            | Place::Unknown => Err(nowhere(request)),
        }
    }

    fn discover(&self, request: &Request, place: &Place, base: &str) -> Result<Answer, Refusal> {
        if request
            .query_pairs()
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("filter"))
        {
            // RFC 7644, section 4: a filter must be refused with 403.
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "Discovery cannot be filtered.",
            ));
        }
        let found = match place {
            Place::ServiceProviderConfig => {
                Some(discovery::service_provider_config(self.personality(), base))
            }
            Place::ResourceTypes(None) => Some(discovery::resource_types(self.personality(), base)),
            Place::ResourceTypes(Some(id)) => discovery::resource_type(id, base),
            Place::Schemas(None) => Some(discovery::schemas(self.personality(), base)),
            Place::Schemas(Some(id)) => discovery::schema(id, self.personality(), base),
            _ => None,
        };
        match found {
            Some(body) => Ok(Answer::json(StatusCode::OK, MEDIA_TYPE, &body)),
            None => Err(nowhere(request)),
        }
    }

    fn list(&self, request: &Request, kinds: &[Kind], base: &str) -> Result<Answer, Refusal> {
        let query = Query::from_pairs(&request.query_pairs(), self.personality())?;
        self.listed(&query, kinds, base, request)
    }

    fn listed(
        &self,
        query: &Query,
        kinds: &[Kind],
        base: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let text = list::run(query, kinds, self.renderer(base), request.now)?;
        Ok(Answer::bytes(StatusCode::OK, MEDIA_TYPE, text))
    }

    fn post(
        &mut self,
        request: &Request,
        kind: Kind,
        base: &str,
        mut turn: Turn<'_>,
    ) -> Result<Answer, Refusal> {
        let projection = self.projection(request)?;
        let row = self.create(kind, json_body(request)?, &mut turn)?;
        Ok(self.shown(StatusCode::CREATED, kind, &row, base, &projection))
    }

    fn item(
        &mut self,
        request: &Request,
        kind: Kind,
        id: &str,
        base: &str,
        mut turn: Turn<'_>,
    ) -> Result<Answer, Refusal> {
        if request.method == Method::DELETE {
            let accept = request.header(header::ACCEPT.as_str()).unwrap_or_default();
            if self.personality().http.delete_refuses_scim_accept && accept.contains(MEDIA_TYPE) {
                return Err(Refusal::invalid_value(
                    "The Accept header is not supported here.",
                ));
            }
            self.delete(kind, id, &mut turn)?;
            return Ok(Answer::empty(StatusCode::NO_CONTENT));
        }
        let projection = self.projection(request)?;
        let row = match request.method {
            Method::PUT => self.replace(kind, id, json_body(request)?, &mut turn)?,
            Method::PATCH => {
                let body = json_body(request)?;
                let operations = patch::read(body, self.personality())?;
                let row = self.patch(kind, id, &operations, &mut turn)?;
                let answer = match kind {
                    Kind::User => self.personality().patch.user_answer,
                    Kind::Group => self.personality().patch.group_answer,
                };
                // RFC 7644, section 3.5.2: 200 when attributes are asked for.
                if answer == PatchAnswer::Nothing && projection == Projection::Default {
                    let headers = self.renderer(base).headers(kind, &row);
                    return Ok(Answer {
                        headers,
                        ..Answer::empty(StatusCode::NO_CONTENT)
                    });
                }
                row
            }
            _ => {
                let (_, row) = self
                    .store
                    .by_id(kind, id)
                    .ok_or_else(|| Refusal::not_found(id))?;
                let shown = self.renderer(base);
                let known =
                    turn.precondition.if_none_match.is_some() && self.personality().features.etag;
                if known && turn.precondition.is_current(&shown.version(kind, &row)) {
                    let headers = shown.headers(kind, &row);
                    return Ok(Answer {
                        headers,
                        ..Answer::empty(StatusCode::NOT_MODIFIED)
                    });
                }
                row
            }
        };
        Ok(self.shown(StatusCode::OK, kind, &row, base, &projection))
    }

    /// Answers `/Me` (RFC 7644, section 3.11) as an alias of the user that signed in by HTTP Basic.
    fn me(
        &mut self,
        request: &Request,
        caller: &Caller,
        base: &str,
        turn: Turn<'_>,
    ) -> Result<Answer, Refusal> {
        if !self.personality().features.me {
            return Err(not_implemented("/Me"));
        }
        let name = match caller {
            Caller::User { user_name }
            | Caller::Client {
                user_name: Some(user_name),
            } => Some(user_name.as_str()),
            Caller::Client { user_name: None } => None,
        };
        let row = name
            .and_then(|name| self.store.by_user_name(name))
            .map(|(_, row)| row);
        match row {
            _ if request.method == Method::POST => Err(not_implemented("Registering oneself")),
            Some(row) => self.item(request, Kind::User, &row.id, base, turn),
            None => Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "Who signed in is no user here.",
            )),
        }
    }

    fn shown(
        &self,
        status: StatusCode,
        kind: Kind,
        row: &Row,
        base: &str,
        projection: &Projection,
    ) -> Answer {
        let shown = self.renderer(base);
        let text = match projection {
            Projection::Default => shown.text(kind, row).into(),
            other => sheet::json(&other.apply(shown.view(kind, row), kind, &self.store)),
        };
        let mut answer = Answer::bytes(status, MEDIA_TYPE, text);
        answer.headers.extend::<HeaderMap>(shown.headers(kind, row));
        answer
    }

    fn projection(&self, request: &Request) -> Result<Projection, Refusal> {
        if request.query.is_empty() {
            return Ok(Projection::Default);
        }
        let mut query = request.query_pairs();
        query.retain(|(name, _)| {
            name.eq_ignore_ascii_case("attributes")
                || name.eq_ignore_ascii_case("excludedAttributes")
        });
        Ok(Query::from_pairs(&query, self.personality())?.projection)
    }

    fn knows_password(&self, user_name: &str, password: &str) -> bool {
        let stored = self
            .store
            .by_user_name(user_name)
            .filter(|(_, row)| row.active);
        stored
            .and_then(|(_, row)| row.password.clone())
            .is_some_and(|hash| password_hash(password) == Some(hash))
    }
}

/// Names the parameters that nothing here looks at, for the log. The RFC has a server pass over them.
fn ignored_parameters(request: &Request, place: &Place) -> String {
    const SHOWING: [&str; 2] = ["attributes", "excludedAttributes"];
    const LISTING: [&str; 6] = [
        "filter",
        "sortBy",
        "sortOrder",
        "startIndex",
        "count",
        "cursor",
    ];
    if request.query.is_empty() {
        return String::new();
    }
    let lists =
        request.method == Method::GET && matches!(place, Place::Root | Place::Collection(_));
    let shows = lists || matches!(place, Place::Collection(_) | Place::Item(..) | Place::Me);
    let names =
        |list: &[&str], name: &str| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    let ignored = request
        .query_pairs()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| {
            let refused = place.is_discovery() && name.eq_ignore_ascii_case("filter");
            let known =
                refused || (shows && names(&SHOWING, name)) || (lists && names(&LISTING, name));
            !known
        });
    ignored
        .map(|name| super::render::encoded(&name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn nowhere(request: &Request) -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        format!("There is no {}.", request.path),
    )
}

fn not_implemented(what: &str) -> Refusal {
    Refusal::new(
        StatusCode::NOT_IMPLEMENTED,
        format!("{what} is not supported."),
    )
}

fn json_body(request: &Request) -> Result<&Value, Refusal> {
    request.body.json().map_err(|error| {
        Refusal::invalid_syntax(format!(
            "The body is not valid JSON (line {}, column {}).",
            error.line(),
            error.column()
        ))
    })
}

/// Checks `Content-Type` and `Accept` (RFC 7644, sections 3.1 and 8.1).
fn check_media_types(request: &Request) -> Result<(), Refusal> {
    let is_json = |name: &str| {
        let name = name.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case(MEDIA_TYPE) || name.eq_ignore_ascii_case("application/json")
    };
    let is_any = |name: &str| {
        let name = name.split(';').next().unwrap_or_default().trim();
        name == "*/*" || name.eq_ignore_ascii_case("application/*")
    };
    if let Some(sent) = request
        .header(header::CONTENT_TYPE.as_str())
        .filter(|_| !request.body.is_empty())
        && !is_json(sent)
    {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("Send {MEDIA_TYPE}."),
        ));
    }
    match request.header(header::ACCEPT.as_str()) {
        Some(accepted)
            if !accepted.trim().is_empty()
                && !accepted
                    .split(',')
                    .any(|name| is_json(name) || is_any(name)) =>
        {
            Err(Refusal::new(
                StatusCode::NOT_ACCEPTABLE,
                format!("Only {MEDIA_TYPE} is sent."),
            ))
        }
        _ => Ok(()),
    }
}
