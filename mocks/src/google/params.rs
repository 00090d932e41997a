//! Query parameters: those of every method, and the checks of those that a method names itself.

use serde_json::Value;

use super::error::Error;
use super::fields::Fields;
use crate::vendor::Request;

/// The parameters that every method takes.
///
/// Source: discovery document, `parameters`; `userIp` is the older name of `quotaUser`.
const COMMON: [&str; 13] = [
    "$.xgafv",
    "access_token",
    "alt",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "uploadType",
    "upload_protocol",
    "userIp",
    "$.userIp",
];

/// The decoded query of a request.
#[derive(Debug, Clone)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn of(request: &Request) -> Self {
        Self(request.query_pairs())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Tells whether answers are to be indented; anything but `false` means yes.
    pub(super) fn pretty(&self) -> bool {
        !matches!(self.get("prettyPrint"), Some("false" | "0"))
    }

    /// Tells whether errors are to be written in the second format.
    pub(super) fn newer_errors(&self) -> bool {
        self.get("$.xgafv") == Some("2")
    }

    /// Checks that there is nothing that the method does not know, and what every method takes.
    ///
    /// # Errors
    /// The first parameter that is not good.
    pub(super) fn check(&self, own: &[&str]) -> Result<(), Error> {
        for (name, _) in &self.0 {
            if !COMMON.contains(&name.as_str()) && !own.contains(&name.as_str()) {
                return Err(Error::unknown_parameter(name));
            }
        }
        self.flag("prettyPrint")?;
        self.choice("$.xgafv", &["1", "2"])?;
        match self.get("alt") {
            None | Some("json" | "") => {}
            Some(_) => return Err(Error::unsupported_alt()),
        }
        match self.get("callback") {
            Some(name) if !is_function(name) => Err(Error::parameter(
                "callback",
                format!("Invalid value '{name}'."),
            )),
            _ => Ok(()),
        }
    }

    /// Returns a boolean parameter.
    ///
    /// # Errors
    /// `invalidParameter` for anything but `true` and `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("") => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(Error::parameter(
                name,
                format!("Invalid boolean value: '{other}'."),
            )),
        }
    }

    /// Returns a parameter out of a closed list.
    ///
    /// # Errors
    /// `invalidParameter` that names the list.
    pub(super) fn choice(
        &self,
        name: &str,
        known: &'static [&'static str],
    ) -> Result<Option<&'static str>, Error> {
        let Some(given) = self.get(name).filter(|given| !given.is_empty()) else {
            return Ok(None);
        };
        let found = known.iter().find(|one| **one == given).copied();
        found.map(Some).ok_or_else(|| {
            let message = format!(
                "Invalid string value: '{given}'. Allowed values: [{}]",
                known.join(", ")
            );
            Error::parameter(name, message)
        })
    }

    /// Returns `maxResults`: the default when absent, an error outside of the range.
    ///
    /// Above `most` the list of users refuses, the lists of groups and members give what they can: the discovery
    /// document has a `maximum` for the first only.
    ///
    /// # Errors
    /// `invalidParameter` with the range.
    pub(super) fn max_results(
        &self,
        default: usize,
        most: usize,
        strict: bool,
    ) -> Result<usize, Error> {
        let Some(given) = self.get("maxResults") else {
            return Ok(default);
        };
        let number: i64 = given.parse().map_err(|_| {
            Error::parameter("maxResults", format!("Invalid integer value: '{given}'."))
        })?;
        match usize::try_from(number) {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            Ok(number) if number > most && !strict => Ok(most),
            _ => {
                let end = if strict {
                    most.to_string()
                } else {
                    i32::MAX.to_string()
                };
                let message =
                    format!("Invalid value '{given}'. Values must be within the range: [1, {end}]");
                Err(Error::parameter("maxResults", message))
            }
        }
    }

    /// Reads `fields` for a kind of resource.
    ///
    /// # Errors
    /// `invalidParameter` for a selection that cannot be read or names what is not there.
    pub(super) fn fields(&self, kind: &str) -> Result<Option<Fields>, Error> {
        let wrong =
            |what: &str| Error::parameter("fields", format!("Invalid field selection {what}"));
        let Some(text) = self.get("fields").filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let fields = Fields::parse(text).map_err(|rest| wrong(&rest))?;
        if let Some(name) = fields.unknown(kind) {
            return Err(wrong(name));
        }
        Ok(Some(fields))
    }

    /// Wraps a body into the call of a JSONP function, when one is named.
    pub(super) fn wrap(&self, body: &Value) -> Option<String> {
        let name = self.get("callback").filter(|name| is_function(name))?;
        let text = super::error::text(body, self.pretty());
        let text = String::from_utf8_lossy(&text);
        Some(format!("// API callback\n{name}({});", text.trim_end()))
    }
}

fn is_function(name: &str) -> bool {
    let good = |letter: char| letter.is_ascii_alphanumeric() || "_.$[]".contains(letter);
    !name.is_empty() && name.len() <= 100 && name.chars().all(good)
}
