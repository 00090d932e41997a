//! The three SOAP calls that older clients still make: `login`, `logout`, `getUserInfo`. Any other call is a fault.
//!
//! Source: SOAP API Developer Guide, "login()", "LoginResult", "ExceptionCode".

use std::fmt::Write;

use http::{HeaderName, Method, StatusCode, header};
use quick_xml::{Reader, escape::escape, events::Event};

use super::{Salesforce, schema::USER, store::Record};
use crate::vendor::{Answer, Request};

const XML: &str = "text/xml;charset=UTF-8";

/// What a SOAP request says, as far as the calls here need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The local name of the first element of the body.
    pub(crate) call: String,
    session: Option<String>,
    arguments: Vec<(String, String)>,
}

impl Envelope {
    /// Reads an envelope; `None` when it is no well-formed one. Prefixes and depth do not matter.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut path: Vec<String> = Vec::new();
        let mut envelope = Self {
            call: String::new(),
            session: None,
            arguments: Vec::new(),
        };
        let mut value = String::new();
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    path.push(name);
                    value.clear();
                    if path.len() == 3 && path[1] == "Body" && envelope.call.is_empty() {
                        envelope.call.clone_from(&path[2]);
                    }
                }
                Event::Text(part) => value.push_str(&part),
                Event::CData(part) => value.push_str(&part),
                Event::GeneralRef(reference) => value.push_str(&resolve(&reference)?),
                Event::End(_) => {
                    let name = path.pop()?;
                    match (path.len(), path.get(1).map(String::as_str)) {
                        (3, Some("Header")) if name == "sessionId" => {
                            envelope.session = Some(value.trim().to_owned());
                        }
                        (3, Some("Body")) => envelope.arguments.push((name, value.clone())),
                        _ => {}
                    }
                    value.clear();
                }
                Event::Eof => break,
                Event::Empty(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_) => {}
            }
        }
        (path.is_empty() && !envelope.call.is_empty()).then_some(envelope)
    }

    /// Returns an argument of the call.
    pub(crate) fn argument(&self, name: &str) -> Option<&str> {
        self.arguments
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The five entities of XML and character references; no others, so nothing can be expanded.
fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.to_string());
    }
    quick_xml::escape::resolve_xml_entity(reference).map(str::to_owned)
}

/// Answers a fault; both namespaces of the vendor are bound, the code is repeated in the detail.
pub(crate) fn fault(code: &str, message: &str) -> Answer {
    let kind = match code {
        "INVALID_LOGIN" => "LoginFault",
        "INVALID_SESSION_ID" | "UNSUPPORTED_API_VERSION" | "REQUEST_LIMIT_EXCEEDED" => {
            "UnexpectedErrorFault"
        }
        _ => "ApiFault",
    };
    let message = escape(message);
    let body = format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" "#,
            r#"xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>"#,
            "<faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring>",
            r#"<detail><sf:{kind} xsi:type="sf:{kind}"><sf:exceptionCode>{code}</sf:exceptionCode>"#,
            "<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:{kind}></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        ),
        code = code,
        message = message,
        kind = kind
    );
    Answer::bytes(StatusCode::INTERNAL_SERVER_ERROR, XML, body)
}

/// A fault that is not the API's but SOAP's own.
fn client_fault(message: &str) -> Answer {
    let body = format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">"#,
            "<soapenv:Body><soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>{}</faultstring>",
            "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        ),
        escape(message)
    );
    Answer::bytes(StatusCode::INTERNAL_SERVER_ERROR, XML, body)
}

impl Salesforce {
    /// `POST /services/Soap/<u|c>/<version>[/<organization>]`
    pub(crate) fn soap(&mut self, request: &Request, flavour: &str, version: &str) -> Answer {
        if request.method != Method::POST {
            return Answer::empty(StatusCode::METHOD_NOT_ALLOWED)
                .with_header(header::ALLOW, "POST");
        }
        if super::rest::version_of(&format!("v{version}")).is_none() {
            return fault(
                "UNSUPPORTED_API_VERSION",
                &format!("Invalid Api version specified on URL: {version}"),
            );
        }
        let Some(envelope) = Envelope::read(&request.body) else {
            return client_fault(
                "The request is no SOAP envelope: content is not allowed in prolog or the XML is not well-formed",
            );
        };
        let namespace = if flavour == "c" {
            "urn:enterprise.soap.sforce.com"
        } else {
            "urn:partner.soap.sforce.com"
        };
        if envelope.call == "login" {
            return self.soap_login(request, &envelope, flavour, version, namespace);
        }
        let now = request.now.as_millisecond();
        let token = envelope.session.as_deref().unwrap_or_default();
        let Some(session) = self.session_of(token, now) else {
            return fault(
                "INVALID_SESSION_ID",
                "Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session key",
            );
        };
        if !self
            .limits
            .count(now, request.header(crate::vendor::USAGE_HEADER.as_str()))
        {
            return fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
        }
        let user = self.store.get(USER, session.user).cloned();
        let answer = match (envelope.call.as_str(), user) {
            ("logout", _) => {
                self.sessions.revoke(session);
                envelop(namespace, "<logoutResponse/>")
            }
            ("getUserInfo", Some(user)) => {
                let info = self.user_info(&user);
                envelop(
                    namespace,
                    &format!("<getUserInfoResponse><result>{info}</result></getUserInfoResponse>"),
                )
            }
            (call, _) => client_fault(&format!(
                "The call {call} is not offered by this mock; use the REST API"
            )),
        };
        answer.with_header(
            HeaderName::from_static("sforce-limit-info"),
            &self.limits.header(),
        )
    }

    fn soap_login(
        &mut self,
        request: &Request,
        envelope: &Envelope,
        flavour: &str,
        version: &str,
        namespace: &str,
    ) -> Answer {
        let argument = |name| envelope.argument(name).unwrap_or_default();
        let Some(user) = self.password_user(argument("username"), argument("password")) else {
            return fault(
                "INVALID_LOGIN",
                "Invalid username, password, security token; or user locked out.",
            );
        };
        let token = self.log_in(user, request.now.as_millisecond());
        let Some(record) = self.store.get(USER, user).cloned() else {
            return fault(
                "INVALID_LOGIN",
                "Invalid username, password, security token; or user locked out.",
            );
        };
        let base = escape(request.base_url.as_str()).into_owned();
        let organization = self.org.id.short();
        let result = format!(
            concat!(
                "<loginResponse><result><metadataServerUrl>{base}/services/Soap/m/{version}/{organization}</metadataServerUrl>",
                "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>",
                "<serverUrl>{base}/services/Soap/{flavour}/{version}/{organization}</serverUrl>",
                "<sessionId>{token}</sessionId><userId>{user}</userId><userInfo>{info}</userInfo></result></loginResponse>"
            ),
            base = base,
            version = version,
            organization = organization,
            flavour = flavour,
            token = escape(&token),
            user = user,
            info = self.user_info(&record)
        );
        envelop(namespace, &result)
    }

    /// The members of `GetUserInfoResult`, in the order of the WSDL.
    fn user_info(&self, user: &Record) -> String {
        let kind = self.schema.get(USER);
        let text = |name: &str| {
            user.to_json(kind, kind.at(name))
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let organization = self.organization_name();
        let members = [
            ("accessibilityMode", "false".to_owned()),
            ("chatterExternal", "false".to_owned()),
            ("currencySymbol", "$".to_owned()),
            ("orgAttachmentFileSizeLimit", "26214400".to_owned()),
            ("orgDefaultCurrencyIsoCode", "USD".to_owned()),
            ("orgDefaultCurrencyLocale", "en_US".to_owned()),
            ("orgDisallowHtmlAttachments", "false".to_owned()),
            ("orgHasPersonAccounts", "false".to_owned()),
            ("organizationId", self.org.id.to_string()),
            ("organizationMultiCurrency", "false".to_owned()),
            ("organizationName", organization),
            ("profileId", text("ProfileId")),
            ("roleId", text("UserRoleId")),
            ("sessionSecondsValid", "7200".to_owned()),
            ("userDefaultCurrencyIsoCode", String::new()),
            ("userEmail", text("Email")),
            ("userFullName", text("Name")),
            ("userId", user.id.to_string()),
            ("userLanguage", text("LanguageLocaleKey")),
            ("userLocale", text("LocaleSidKey")),
            ("userName", text("Username")),
            ("userTimeZone", text("TimeZoneSidKey")),
            ("userType", text("UserType")),
            ("userUiSkin", "Theme3".to_owned()),
        ];
        members
            .iter()
            .fold(String::new(), |mut xml, (name, value)| {
                let _ = match value.as_str() {
                    "" => write!(xml, r#"<{name} xsi:nil="true"/>"#),
                    value => write!(xml, "<{name}>{}</{name}>", escape(value)),
                }; // writing to a String cannot fail
                xml
            })
    }
}

fn envelop(namespace: &str, content: &str) -> Answer {
    let body = format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" "#,
            r#"xmlns="{namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>"#
        ),
        namespace = namespace,
        content = content
    );
    Answer::bytes(StatusCode::OK, XML, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_whatever_its_prefixes() {
        let text = r#"<se:Envelope xmlns:se="x"><se:Header><SessionHeader><sessionId> 00D!x </sessionId></SessionHeader></se:Header>
            <se:Body><n1:login xmlns:n1="urn"><n1:username>kim@x.com</n1:username><n1:password>a&lt;&amp;&#66;<![CDATA[<]]></n1:password><x/></n1:login></se:Body></se:Envelope>"#;
        let envelope = Envelope::read(text.as_bytes()).unwrap();
        assert_eq!(envelope.call, "login");
        assert_eq!(envelope.session.as_deref(), Some("00D!x"));
        assert_eq!(envelope.argument("username"), Some("kim@x.com"));
        assert_eq!(envelope.argument("password"), Some("a<&B<"));
    }

    #[test]
    fn what_is_no_envelope_is_nothing() {
        for text in [
            "",
            "x",
            "<a>",
            "<a><Body><login></a>",
            "<a/>",
            "<Envelope><Body>&bomb;</Body></Envelope>",
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a><Body/></a>",
        ] {
            assert_eq!(Envelope::read(text.as_bytes()), None, "{text}");
        }
    }
}
