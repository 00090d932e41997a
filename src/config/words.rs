//! The small languages inside strings: durations, quotas, addresses, ids, patterns.

use std::time::Duration;

use domain::Quota;
use url::Url;

/// Why a text is not what its key asks for.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) fix: String,
    pub(crate) meant: Option<String>,
}

impl Complaint {
    fn new(code: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            code,
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

/// The longest duration that is taken: ten years. What is longer is a slip, and no clock could be moved on by it.
const LONGEST: Duration = Duration::from_hours(3650 * 24);

/// Reads a duration such as `500ms`, `30s`, `5m`, `1h30m` or `28d`.
///
/// Returns `None` for anything else, zero and more than ten years included.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let step = match &rest[..unit] {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            _ => return None,
        };
        total = total.checked_add(step)?;
        rest = &rest[unit..];
    }
    (total > Duration::ZERO && total <= LONGEST).then_some(total)
}

/// Reads a quota such as `2400/60s`.
pub(crate) fn quota(text: &str) -> Option<Quota> {
    let (requests, per) = text.split_once('/')?;
    let requests = requests.trim().parse().ok().filter(|count| *count > 0)?;
    let per = duration(per)?;
    Some(Quota { requests, per })
}

/// Reads a size such as `512MiB` or `4GiB`, in bytes. Returns `None` for anything else, and for less than 16 MiB.
pub(crate) fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match text[digits..].trim_start() {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    let bytes = number.checked_mul(1 << shift)?;
    // The database counts in signed numbers.
    (LEAST_SIZE..=1 << 60).contains(&bytes).then_some(bytes)
}

/// An empty journal with its log takes a few of these.
const LEAST_SIZE: u64 = 16 << 20;

pub(crate) fn check_size(text: &str) -> Result<(), Complaint> {
    size(text).map(|_| ()).ok_or_else(|| {
        Complaint::new(
            "bad-size",
            "this is no size that a journal can have",
            "write a number with KiB, MiB, GiB or TiB, 16MiB at least, as in \"4GiB\"",
        )
    })
}

/// Returns the candidate that was probably meant.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

pub(crate) fn check_duration(text: &str) -> Result<(), Complaint> {
    duration(text).map(|_| ()).ok_or_else(|| {
        Complaint::new(
            "bad-duration",
            "this is no duration",
            "write a number and a unit (ms, s, m, h, d), more than nothing and at most ten years, as in \"30s\" or \"1h30m\"",
        )
    })
}

pub(crate) fn check_quota(text: &str) -> Result<(), Complaint> {
    quota(text).map(|_| ()).ok_or_else(|| {
        Complaint::new(
            "bad-quota",
            "this is no quota",
            "write requests per time, as in \"2400/60s\"",
        )
    })
}

pub(crate) fn check_listen(text: &str) -> Result<(), Complaint> {
    let address = text.parse::<std::net::SocketAddr>();
    address.map(|_| ()).map_err(|_| {
        Complaint::new(
            "bad-address",
            "this is no address to listen on",
            "write an IP address and a port, as in \"127.0.0.1:9464\" or \"[::1]:9464\"",
        )
    })
}

/// Says what is wrong with an address of a target, as the file's check does: it is one absolute http or https URL.
///
/// # Errors
/// A sentence about what is wrong and what to write.
pub fn address(text: &str) -> Result<(), String> {
    check_url(text).map_err(Complaint::told)
}

/// Says what is wrong with a domain name, as the file's check does.
///
/// # Errors
/// A sentence about what is wrong and what to write.
pub fn domain_name(text: &str) -> Result<(), String> {
    check_domain(text).map_err(Complaint::told)
}

/// Says what is wrong with an e-mail address, as the file's check does.
///
/// # Errors
/// A sentence about what is wrong and what to write.
pub fn email(text: &str) -> Result<(), String> {
    check_email(text).map_err(Complaint::told)
}

pub(crate) fn check_url(text: &str) -> Result<(), Complaint> {
    let complaint = |message: &str, fix: &str| Err(Complaint::new("bad-url", message, fix));
    // `https://onehttp://two` parses: its host would be `onehttp`.
    let place = text.split(['?', '#']).next().unwrap_or_default();
    if place.matches("://").count() > 1 {
        return complaint(
            "these are two addresses in one",
            "write one whole address, as in \"https://scim.example/scim2/Users\"",
        );
    }
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        // `host:8080/path` parses with the scheme `host`
        Ok(_) | Err(url::ParseError::RelativeUrlWithoutBase) if !text.contains("://") => {
            return Err(Complaint {
                meant: Some(format!("https://{}", text.trim_start_matches('/'))),
                ..Complaint::new(
                    "bad-url",
                    "this address has no scheme",
                    "begin it with https://, or http:// for a target on this machine",
                )
            });
        }
        Ok(_) => {
            return complaint(
                "only http and https can be spoken",
                "begin it with https://",
            );
        }
        Err(cause) => {
            return complaint(
                &format!("this is no address: {cause}"),
                "write a whole address, as in \"https://scim.example/scim2/Users\"",
            );
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return complaint(
            "an address must not carry a user name or a password",
            "use the settings for credentials instead",
        );
    }
    if url.fragment().is_some() {
        return complaint("an address must not have a part after `#`", "remove it");
    }
    if text.trim().contains(char::is_whitespace) {
        return complaint(
            "an address has no blanks in it",
            "write one address, and %20 for a blank that belongs to it",
        );
    }
    Ok(())
}

pub(crate) fn check_domain(text: &str) -> Result<(), Complaint> {
    let name = text.trim();
    let sound = name.contains('.')
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains(|c: char| c.is_whitespace() || matches!(c, '@' | '/' | ':'));
    sound.then_some(()).ok_or_else(|| {
        Complaint::new(
            "bad-domain",
            "this is no domain name",
            "write the bare name, as in \"corp.example\": no scheme, no @, no path",
        )
    })
}

pub(crate) fn check_email(text: &str) -> Result<(), Complaint> {
    let sound = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(' ')
    });
    sound.then_some(()).ok_or_else(|| {
        Complaint::new(
            "bad-email",
            "this is no e-mail address",
            "write it as in \"tom@corp.example\"",
        )
    })
}

/// An id stands in paths such as `corp-scim/scim2`, so it has no `/` and no blanks.
pub(crate) fn check_id(text: &str) -> Result<(), Complaint> {
    let sound = !text.is_empty()
        && !text.contains(|c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '/' | '[' | ']' | ',')
        });
    sound.then_some(()).ok_or_else(|| {
        Complaint::new(
            "bad-id",
            "this cannot be an id",
            "use letters, digits, `-`, `_` and `.`, as in \"corp-scim\"",
        )
    })
}

pub(crate) fn check_choice(text: &str, words: &[&'static str]) -> Result<(), Complaint> {
    if words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    Err(Complaint {
        meant: nearest(text, words.iter().copied()),
        ..Complaint::new(
            "bad-choice",
            format!("`{text}` is not one of the choices"),
            format!("write one of: {}", words.join(", ")),
        )
    })
}

/// Looks at a provisioning pattern from afar: tokens, separated by commas, inside one pair of braces.
///
/// Returns what is wrong with it. What it yields for a user is known to the decision only.
pub(crate) fn pattern_trouble(pattern: &str) -> Option<String> {
    let body = pattern
        .trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let Some(body) = body.filter(|body| !body.contains(['{', '}'])) else {
        return Some("a pattern is one pair of braces with tokens in it".to_owned());
    };
    let mut tokens = pattern_tokens(body).peekable();
    if tokens.peek().is_none() {
        return Some("the braces are empty".to_owned());
    }
    tokens
        .find(|token| !PATTERN_TOKENS.contains(token))
        .map(|token| format!("`{token}` is no token"))
}

/// The tokens of a provisioning pattern.
pub(crate) const PATTERN_TOKENS: [&str; 4] = ["UN", "UD", "TD", "IDP"];

/// Returns the tokens of a pattern, braces or not.
pub(crate) fn pattern_tokens(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, '{' | '}'))
        .split(',')
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_are_more_than_nothing() {
        assert_eq!(duration("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(duration("28d"), Some(Duration::from_hours(28 * 24)));
        assert_eq!(duration("3650d"), Some(LONGEST));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        for text in [
            "",
            "30",
            "0s",
            "s",
            "1.5s",
            "-1s",
            "1 h",
            "5w",
            "99999999999999999999s",
            "18446744073709551615d",
            "18446744073709551615s",
            "3650d1ms",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_pattern_is_tokens_in_one_pair_of_braces() {
        for pattern in ["{UN}", "{UD, UN,TD , IDP}", " {UN,,TD} "] {
            assert_eq!(pattern_trouble(pattern), None, "{pattern}");
        }
        for pattern in ["UN", "{}", "{ , }", "{UN,FOO}", "{UN}{TD}", "{un}", ""] {
            assert!(pattern_trouble(pattern).is_some(), "{pattern}");
        }
    }

    #[test]
    fn an_address_without_a_scheme_is_offered_one() {
        let complaint = check_url("acme.my.salesforce.com").expect_err("no scheme");
        assert_eq!(
            complaint.meant.as_deref(),
            Some("https://acme.my.salesforce.com")
        );
        assert_eq!(
            check_url("host:8080/x")
                .expect_err("no scheme")
                .meant
                .as_deref(),
            Some("https://host:8080/x")
        );
        assert!(check_url("ftp://x/").is_err() && check_url("http://u:p@x/").is_err());
        assert!(check_url("http://127.0.0.1:9103/scim2/Users").is_ok());
    }

    #[test]
    fn an_address_is_one_address() {
        let told = address("https://admin.googleapis.comhttp://127.0.0.1:9101").unwrap_err();
        assert!(told.contains("two addresses"), "{told}");
        assert!(address("https://a.example/x https://b.example/y").is_err());
        assert!(address("https://a.example/back?to=https://b.example/").is_ok());
        assert!(
            address("a.example")
                .unwrap_err()
                .contains("did you mean `https://a.example`")
        );
    }
}
