//! What can be said of one value by itself: the lints say it of the file, and the forms while it is filled in.

use domain::{ConnectorType, FieldKind, NameRule, RoleName, is_loopback};

use crate::words;

/// What is said of a doubtful value.
pub(super) struct Doubt {
    pub(super) message: String,
    pub(super) fix: String,
    /// What was probably meant.
    pub(super) meant: Option<String>,
}

impl Doubt {
    fn new(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            fix: fix.into(),
            meant: None,
        }
    }

    /// Says it in one sentence, for a form.
    fn told(self) -> String {
        match self.meant {
            Some(meant) => format!("{}; did you mean `{meant}`?", self.message),
            None => format!("{}; {}", self.message, self.fix),
        }
    }
}

/// Says what is doubtful about the value of a connector's setting, as the lints do; `None` when nothing is.
pub fn doubt(kind: &ConnectorType, key: &str, text: &str, real_targets: bool) -> Option<String> {
    let text = text.trim();
    let is_url = kind
        .field(key)
        .is_some_and(|field| field.kind == FieldKind::Url);
    let is_address = is_url && words::address(text).is_ok();
    if let Some(told) = words::address_doubt(text).filter(|_| is_address) {
        return Some(told);
    }
    let is_separator =
        matches!(kind.target.name, NameRule::Pattern { separator, .. } if separator == key);
    let found = if text.is_empty() {
        None
    } else if key == API_VERSION {
        api_version(text)
    } else if is_separator {
        separator(text)
    } else if is_address && kind.target.address_settings.contains(&key) {
        // The address stands right there in the form.
        let outside = || (!real_targets && !is_loopback(text)).then(|| unsent("it"));
        plain_http(text).or_else(outside)
    } else {
        None
    };
    found.map(Doubt::told)
}

/// Says what is doubtful about a role, as the lints do; `None` when nothing is.
pub fn role_doubt(text: &str) -> Option<String> {
    let text = text.trim();
    let is_bare = !text.is_empty() && !text.contains('/');
    is_bare.then(|| unqualified(&RoleName::new(text)).told())
}

/// The setting with the version of the target's interface.
pub(super) const API_VERSION: &str = "api_version";

pub(super) fn api_version(text: &str) -> Option<Doubt> {
    if text.starts_with('v') {
        return None;
    }
    let number = text.trim_start_matches('V');
    let point = if number.contains('.') { "" } else { ".0" };
    Some(Doubt {
        meant: Some(format!("v{number}{point}")),
        ..Doubt::new(
            format!(
                "`{text}` goes into the address as it is, and the target knows versions with a `v` only"
            ),
            "put a `v` in front",
        )
    })
}

pub(super) fn separator(text: &str) -> Option<Doubt> {
    let is_special = text.contains(|c| ".+*?()[]{}|^$\\".contains(c));
    is_special.then(|| {
        Doubt::new(
            format!("WSO2 Identity Server reads `{text}` as a regular expression and makes other names of the same pattern"),
            "use - or _ where both must agree",
        )
    })
}

pub(super) fn plain_http(address: &str) -> Option<Doubt> {
    let is_plain = address.to_ascii_lowercase().starts_with("http:");
    (is_plain && !is_loopback(address)).then(|| {
        Doubt::new(
            "credentials and people's data would cross the network in clear",
            "use https://",
        )
    })
}

/// Says that an address is spoken to only when real targets may be.
pub(super) fn outside(address: &str) -> Option<Doubt> {
    (!is_loopback(address)).then(|| unsent(address))
}

fn unsent(address: &str) -> Doubt {
    Doubt::new(
        format!(
            "nothing is sent there: {address} is not on this machine, and `real_targets` is off"
        ),
        "write [engine] real_targets = true once it is meant, or use a mock's address",
    )
}

pub(super) fn unqualified(role: &RoleName) -> Doubt {
    let role = role.as_str();
    Doubt::new(
        format!("this role has no audience and is read as `{role}`"),
        format!("write \"{role}\", or \"Application/…\" for an application's role"),
    )
}

#[cfg(test)]
mod tests {
    use connectors::CATALOGUE;

    use super::*;

    #[test]
    fn one_value_is_doubted_as_the_lint_of_the_file_does() {
        let told = |kind: &str, key: &str, text: &str| {
            doubt(CATALOGUE.find(kind).unwrap(), key, text, false)
        };
        for (kind, key, text, wanted) in [
            ("salesforce", "api_version", "62", "did you mean `v62.0`"),
            ("salesforce", "api_version", "V62.0", "did you mean `v62.0`"),
            ("google", "separator", ".", "regular expression"),
            (
                "scim2",
                "user_endpoint",
                "http://corp.example/Users",
                "in clear",
            ),
            (
                "scim2",
                "user_endpoint",
                "https://corp.example/Users",
                "`real_targets` is off",
            ),
            (
                "scim2",
                "user_endpoint",
                "http://127.0.0.1/our users",
                "%20",
            ),
        ] {
            let told = told(kind, key, text).unwrap_or_default();
            assert!(told.contains(wanted), "{key} = {text}: {told}");
        }
        for (kind, key, text) in [
            ("salesforce", "api_version", "v62.0"),
            ("salesforce", "api_version", " "),
            ("salesforce", "client_id", "62"),
            ("google", "separator", "-"),
            ("scim2", "user_endpoint", "http://127.0.0.1:9103/Users"),
            ("scim2", "user_endpoint", "no address"),
        ] {
            assert_eq!(told(kind, key, text), None, "{key} = {text}");
        }
        let scim2 = CATALOGUE.find("scim2").unwrap();
        let real = "https://corp.example/Users";
        assert_eq!(doubt(scim2, "user_endpoint", real, true), None);
        assert!(role_doubt("sales").unwrap().contains("`Internal/sales`"));
        assert_eq!(role_doubt("Application/sales"), None);
    }
}
