//! The one text form of a fault, for command line, scenario and screen alike.
//!
//! ```text
//! drop-after
//! drop-after:op=users.insert,subject=kim,nth=2,times=1
//! latency:target=google,delay=100ms..2s,chance=0.2
//! status:code=503,retry-after=2s,kind=write,times=always
//! ```
//!
//! A name, then after a colon settings `key=value` with commas between them. A value with a comma in it is quoted:
//! `subject="Doe, Kim"`. Every fault knows `target`, `op`, `kind`, `subject`, `method`, `nth`, `times` and `chance`.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Behind, Effect, Fault, Garble, Lag, Row, Throttle};
use crate::{Kind, Operation, Target, quota::Rate};

/// What every fault can be told, with the meaning.
pub const SETTINGS: [(&str, &str); 8] = [
    (
        "target",
        "google, salesforce or scim2 (default: every mock it is armed at)",
    ),
    (
        "op",
        "the operation, with `*` for anything and `|` for or: `users.insert`, `Users.*` (default: see `kind`)",
    ),
    (
        "kind",
        "read, write, token or meta, with `|` for or (default: reads and writes; with `op`: all)",
    ),
    (
        "subject",
        "the user or group: name, the part before the `@`, or id; `*` for anything",
    ),
    ("method", "the HTTP method"),
    (
        "nth",
        "only the nth match, or a range: `2`, `2..5`, `2..` (default: all)",
    ),
    (
        "times",
        "default 1 (some stay): how often it acts before it disarms itself, a number or `always`",
    ),
    (
        "chance",
        "the probability that a match is hit, 0 to 1 (default 1)",
    ),
];

/// A fault, what it acts on and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultSpec {
    /// What happens.
    pub effect: Effect,
    /// The mock it is meant for; `None` for every mock it is armed at.
    pub target: Option<Target>,
    /// What it acts on.
    pub on: Matcher,
    /// How often.
    pub times: Times,
    /// The probability that a match is hit.
    pub chance: f64,
}

/// How often a fault acts before it disarms itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// So many times.
    Count(u64),
    /// Until it is disarmed.
    Always,
}

/// Which requests a fault acts on. What is absent matches everything, but see `kinds`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matcher {
    /// The operation's name, with `*` for anything and `|` for or.
    pub operation: Option<String>,
    /// The kinds. Empty: reads and writes, unless the operation is named; a token call or a discovery is hit only by
    /// name, because nobody who arms `drop-after` means the token call before the first request.
    pub kinds: Vec<Kind>,
    /// The subject: name, local part of the name or id, with `*` and `|`.
    pub subject: Option<String>,
    /// The method.
    pub method: Option<Method>,
    /// Which of the matches, counted from 1.
    pub nth: Option<RangeInclusive<u64>>,
}

impl Matcher {
    /// Tells whether the request fits, `nth` and the subject left aside.
    pub(crate) fn fits(&self, operation: &Operation, method: &Method) -> bool {
        let kind = match (&self.kinds[..], &self.operation) {
            ([], Some(_)) => true,
            ([], None) => matches!(operation.kind, Kind::Read | Kind::Write),
            (kinds, _) => kinds.contains(&operation.kind),
        };
        kind && self
            .operation
            .as_ref()
            .is_none_or(|pattern| glob(pattern, operation.name))
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
    }

    /// Tells whether one name of the subject fits.
    pub(crate) fn fits_subject(&self, name: &str) -> bool {
        let Some(pattern) = &self.subject else {
            return true;
        };
        glob(pattern, name)
            || name
                .split_once('@')
                .is_some_and(|(local, _)| glob(pattern, local))
    }
}

/// Matches without case; `*` stands for anything, `|` separates alternatives.
pub(super) fn glob(patterns: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    patterns
        .split('|')
        .any(|pattern| glob_one(&pattern.trim().to_lowercase(), &text))
}

fn glob_one(pattern: &str, text: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    while let Some((part, next)) = rest.split_once('*') {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
        rest = next;
    }
    text.ends_with(rest)
}

/// Why a text is no fault specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The name is not in the list.
    #[error("no fault is called `{name}`{}; there are {}", guess(*.did_you_mean), names().join(", "))]
    UnknownFault {
        /// What was written.
        name: String,
        /// What was probably meant.
        did_you_mean: Option<&'static str>,
    },
    /// The fault knows no such setting.
    #[error("`{fault}` knows no setting `{key}`{}; it knows {}", guess(*.did_you_mean), keys(*.fault).join(", "))]
    UnknownSetting {
        /// The fault.
        fault: Fault,
        /// What was written.
        key: String,
        /// What was probably meant.
        did_you_mean: Option<&'static str>,
    },
    /// A setting's value cannot be read.
    #[error("`{key}={value}` in `{fault}`: {reason}")]
    BadValue {
        /// The fault.
        fault: Fault,
        /// The setting.
        key: String,
        /// What was written.
        value: String,
        /// What is expected.
        reason: String,
    },
    /// A setting is there twice.
    #[error("`{key}` is given twice")]
    Twice {
        /// The setting.
        key: String,
    },
    /// A part is no `key=value`.
    #[error("`{part}` is no `key=value`; write for instance `drop-after:op=users.insert,times=1`")]
    NoPair {
        /// The part.
        part: String,
    },
    /// No mock knows the operation, so the fault would wait for ever.
    #[error("`op={operation}` in `{fault}`: there is no such operation{}; {}", guess(*.did_you_mean), lists(.known))]
    UnknownOperation {
        /// The fault.
        fault: Fault,
        /// What was written.
        operation: String,
        /// What was probably meant.
        did_you_mean: Option<&'static str>,
        /// What the mocks in question know.
        known: Vec<(&'static str, Vec<&'static str>)>,
    },
    /// The fault is meant for another mock.
    #[error("the fault is meant for {wanted}, and this is {here}")]
    OtherTarget {
        /// The mock it names.
        wanted: Target,
        /// The mock it was given to.
        here: String,
    },
}

impl SpecError {
    /// Returns the setting that cannot be taken, when it is about one: what a form points at.
    pub fn setting(&self) -> Option<&str> {
        match self {
            Self::UnknownSetting { key, .. } | Self::BadValue { key, .. } | Self::Twice { key } => {
                Some(key)
            }
            Self::UnknownOperation { .. } => Some("op"),
            Self::OtherTarget { .. } => Some("target"),
            Self::UnknownFault { .. } | Self::NoPair { .. } => None,
        }
    }
}

fn guess(name: Option<&'static str>) -> String {
    name.map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

fn lists(known: &[(&'static str, Vec<&'static str>)]) -> String {
    let list = |(mock, names): &(&str, Vec<&str>)| format!("{mock} knows {}", names.join(", "));
    known.iter().map(list).collect::<Vec<_>>().join("; ")
}

fn names() -> Vec<&'static str> {
    Fault::ALL.iter().map(|row| row.name).collect()
}

fn keys(fault: Fault) -> Vec<&'static str> {
    let own = fault.row().parameters.iter();
    own.chain(&SETTINGS).map(|(key, _)| *key).collect()
}

pub(super) fn closest(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = known
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&written.to_lowercase(), &name.to_lowercase()),
                *name,
            )
        })
        .min()?;
    (near.0 <= 1 + near.1.len() / 4).then_some(near.1)
}

impl FromStr for FaultSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut settings = BTreeMap::new();
        for part in split_outside_quotes(rest) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| SpecError::NoPair { part: part.clone() })?;
            let (key, value) = (key.trim().to_lowercase(), unquoted(value.trim()));
            if settings.insert(key.clone(), value).is_some() {
                return Err(SpecError::Twice { key });
            }
        }
        Self::build(name.trim(), settings)
    }
}

/// Returns the settings of a specification, each as it is written: `key=value`.
pub(super) fn parts(text: &str) -> Vec<String> {
    let (_, settings) = text.split_once(':').unwrap_or((text, ""));
    split_outside_quotes(settings)
}

/// Splits at commas that no quotes enclose; blank parts fall away.
fn split_outside_quotes(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for letter in text.chars() {
        match letter {
            ',' if !quoted => parts.push(String::new()),
            _ => {
                if letter == '"' && !escaped {
                    quoted = !quoted;
                }
                escaped = quoted && letter == '\\' && !escaped;
                parts.last_mut().expect("never empty").push(letter);
            }
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        text.push(if letter == '\\' {
            letters.next().unwrap_or('\\')
        } else {
            letter
        });
    }
    text
}

fn quoted(value: &str) -> String {
    if value.contains([',', '"', '\\']) || value.trim() != value || value.is_empty() {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        value.to_owned()
    }
}

/// The settings that are not read yet, with what an error about one needs to say.
struct Settings {
    fault: Fault,
    left: BTreeMap<String, String>,
}

impl Settings {
    fn take<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SpecError> {
        let Some(value) = self.left.remove(key) else {
            return Ok(None);
        };
        read(&value)
            .map(Some)
            .map_err(|reason| SpecError::BadValue {
                fault: self.fault,
                key: key.to_owned(),
                value,
                reason,
            })
    }
}

impl FaultSpec {
    /// Makes a specification with the fault's defaults: every read and write, as often as [`Row::stays`] says.
    pub fn new(effect: Effect) -> Self {
        let times = if effect.fault().row().stays {
            Times::Always
        } else {
            Times::Count(1)
        };
        Self {
            effect,
            target: None,
            on: Matcher::default(),
            times,
            chance: 1.0,
        }
    }

    fn build(name: &str, settings: BTreeMap<String, String>) -> Result<Self, SpecError> {
        let row = Fault::ALL
            .into_iter()
            .find(|row| row.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| SpecError::UnknownFault {
                name: name.to_owned(),
                did_you_mean: closest(name, &names()),
            })?;
        let mut settings = Settings {
            fault: row.fault,
            left: settings,
        };
        let effect = effect(&row, &mut settings)?;
        let mut spec = Self::new(effect);
        spec.target = settings.take("target", |text| {
            text.parse()
                .map_err(|error: crate::UnknownTarget| error.to_string())
        })?;
        spec.on.operation = settings.take("op", some_text)?;
        spec.on.kinds = settings.take("kind", kinds)?.unwrap_or_default();
        spec.on.subject = settings.take("subject", some_text)?;
        spec.on.method = settings.take("method", method)?;
        spec.on.nth = settings.take("nth", nth)?;
        spec.times = settings.take("times", times)?.unwrap_or(spec.times);
        spec.chance = settings.take("chance", chance)?.unwrap_or(spec.chance);
        match settings.left.into_keys().next() {
            None => Ok(spec),
            Some(key) => {
                let did_you_mean = closest(&key, &keys(row.fault));
                Err(SpecError::UnknownSetting {
                    fault: row.fault,
                    key,
                    did_you_mean,
                })
            }
        }
    }
}

fn effect(row: &Row, settings: &mut Settings) -> Result<Effect, SpecError> {
    Ok(match row.fault {
        Fault::Latency => {
            let (from, to) = settings
                .take("delay", span)?
                .unwrap_or((Duration::from_secs(1), Duration::from_secs(1)));
            Effect::Latency(from, to)
        }
        Fault::SlowBody => Effect::SlowBody(
            settings
                .take("over", duration)?
                .unwrap_or(Duration::from_secs(5)),
        ),
        Fault::Status => {
            let status = settings
                .take("code", failure_status)?
                .unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            Effect::Status(status, settings.take("retry-after", duration)?)
        }
        Fault::UserRate => Effect::UserRate(throttle(settings)?),
        Fault::AccountRate => Effect::AccountRate(throttle(settings)?),
        Fault::Concurrency => Effect::Concurrency(settings.take("limit", number)?),
        Fault::Reset => Effect::Reset,
        Fault::DropBefore => Effect::DropBefore,
        Fault::DropAfter => Effect::DropAfter {
            reset: settings.take("how", how)?.unwrap_or(false),
        },
        Fault::GarbledBody => {
            Effect::GarbledBody(settings.take("as", garble)?.unwrap_or(Garble::Cut))
        }
        Fault::TokenExpired => Effect::TokenExpired,
        Fault::Lag => Effect::Lag(lag(settings)?),
        Fault::Licences => Effect::Licences(settings.take("seats", number)?.unwrap_or(0)),
        Fault::DuplicateDelivery => Effect::DuplicateDelivery,
        Fault::DailyLimit => Effect::DailyLimit,
    })
}

fn throttle(settings: &mut Settings) -> Result<Throttle, SpecError> {
    let retry_after = settings
        .take("retry-after", duration)?
        .unwrap_or(Duration::from_secs(1));
    let rate = settings.take("rate", |text| {
        text.parse::<Rate>().map_err(|error| error.to_string())
    })?;
    Ok(Throttle { retry_after, rate })
}

fn lag(settings: &mut Settings) -> Result<Lag, SpecError> {
    let time = settings.take("for", duration)?;
    let behind = match (time, settings.take("requests", number)?) {
        (None, Some(requests)) => Behind::Requests(requests),
        (time, None) => Behind::Time(time.unwrap_or(Duration::from_secs(5))),
        (Some(_), Some(requests)) => {
            return Err(SpecError::BadValue {
                fault: Fault::Lag,
                key: "requests".to_owned(),
                value: requests.to_string(),
                reason: "give either `for` or `requests`".to_owned(),
            });
        }
    };
    Ok(Lag {
        behind,
        writes: settings.take("writes", yes_or_no)?.unwrap_or(false),
    })
}

fn some_text(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("nothing is there".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "a whole number is expected".to_owned())
}

/// Reads `250ms`, `2s`, `1.5m`, `1h`. A number without a unit is refused: a guess would be wrong half of the time.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected =
        || "a time with its unit is expected, as `250ms`, `2s`, `5m` or `24h`".to_owned();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(expected()),
    };
    let amount: f64 = digits.trim().parse().map_err(|_| expected())?;
    Duration::try_from_secs_f64(amount * unit).map_err(|_| expected())
}

fn span(text: &str) -> Result<(Duration, Duration), String> {
    let Some((from, to)) = text.split_once("..") else {
        return duration(text).map(|both| (both, both));
    };
    let (from, to) = (duration(from)?, duration(to)?);
    if from > to {
        Err("the range runs backwards".to_owned())
    } else {
        Ok((from, to))
    }
}

fn failure_status(text: &str) -> Result<StatusCode, String> {
    let status = text
        .parse()
        .ok()
        .filter(|status: &StatusCode| status.is_client_error() || status.is_server_error());
    status.ok_or_else(|| "a status from 400 to 599 is expected".to_owned())
}

fn how(text: &str) -> Result<bool, String> {
    match text {
        "close" => Ok(false),
        "reset" => Ok(true),
        _ => Err("`close` or `reset` is expected".to_owned()),
    }
}

fn garble(text: &str) -> Result<Garble, String> {
    let found = Garble::ALL.into_iter().find(|(_, name)| *name == text);
    found.map(|(garble, _)| garble).ok_or_else(|| {
        format!(
            "one of {} is expected",
            Garble::ALL.map(|(_, name)| name).join(", ")
        )
    })
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("`yes` or `no` is expected".to_owned()),
    }
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Read, "read"),
    (Kind::Write, "write"),
    (Kind::Token, "token"),
    (Kind::Meta, "meta"),
];

fn kinds(text: &str) -> Result<Vec<Kind>, String> {
    let one = |name: &str| {
        KINDS
            .into_iter()
            .find(|(_, known)| *known == name.trim())
            .map(|(kind, _)| kind)
    };
    text.split('|')
        .map(|name| one(name).ok_or_else(|| "read, write, token or meta is expected".to_owned()))
        .collect()
}

fn method(text: &str) -> Result<Method, String> {
    let method = Method::from_bytes(text.to_uppercase().as_bytes());
    method.map_err(|_| "an HTTP method is expected".to_owned())
}

fn nth(text: &str) -> Result<RangeInclusive<u64>, String> {
    let expected =
        || "a count from 1 is expected, as `2`, `2..5` (both included) or `2..`".to_owned();
    let count = |text: &str| {
        text.parse::<u64>()
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(expected)
    };
    let range = match text.split_once("..") {
        None => count(text)?..=count(text)?,
        Some((from, "")) => count(from)?..=u64::MAX,
        Some((from, to)) => count(from)?..=count(to)?,
    };
    if range.is_empty() {
        Err("the range runs backwards".to_owned())
    } else {
        Ok(range)
    }
}

fn times(text: &str) -> Result<Times, String> {
    match text {
        "always" => Ok(Times::Always),
        _ => match text.parse() {
            Ok(count) if count > 0 => Ok(Times::Count(count)),
            _ => Err("a number from 1 or `always` is expected".to_owned()),
        },
    }
}

fn chance(text: &str) -> Result<f64, String> {
    let chance = text
        .parse()
        .ok()
        .filter(|chance| (0.0..=1.0).contains(chance));
    chance.ok_or_else(|| "a probability from 0 to 1 is expected".to_owned())
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = effect_settings(&self.effect);
        let on = &self.on;
        settings.extend(self.target.map(|target| ("target", target.to_string())));
        settings.extend(on.operation.as_ref().map(|text| ("op", quoted(text))));
        let kinds = KINDS
            .iter()
            .filter(|(kind, _)| on.kinds.contains(kind))
            .map(|(_, name)| *name);
        settings
            .extend((!on.kinds.is_empty()).then(|| ("kind", kinds.collect::<Vec<_>>().join("|"))));
        settings.extend(on.subject.as_ref().map(|text| ("subject", quoted(text))));
        settings.extend(
            on.method
                .as_ref()
                .map(|method| ("method", method.to_string())),
        );
        settings.extend(on.nth.as_ref().map(|nth| {
            (
                "nth",
                match (*nth.start(), *nth.end()) {
                    (from, u64::MAX) => format!("{from}.."),
                    (from, to) if from == to => from.to_string(),
                    (from, to) => format!("{from}..{to}"),
                },
            )
        }));
        settings.push((
            "times",
            match self.times {
                Times::Count(count) => count.to_string(),
                Times::Always => "always".to_owned(),
            },
        ));
        settings.extend((self.chance < 1.0).then(|| ("chance", self.chance.to_string())));
        f.write_str(self.effect.fault().name())?;
        for (index, (key, value)) in settings.into_iter().enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

fn effect_settings(effect: &Effect) -> Vec<(&'static str, String)> {
    match effect {
        Effect::Latency(from, to) if from == to => vec![("delay", written(*from))],
        Effect::Latency(from, to) => {
            vec![("delay", format!("{}..{}", written(*from), written(*to)))]
        }
        Effect::SlowBody(over) => vec![("over", written(*over))],
        Effect::Status(status, retry_after) => {
            let mut settings = vec![("code", status.as_str().to_owned())];
            settings.extend(retry_after.map(|after| ("retry-after", written(after))));
            settings
        }
        Effect::UserRate(throttle) | Effect::AccountRate(throttle) => {
            let mut settings = vec![("retry-after", written(throttle.retry_after))];
            settings.extend(throttle.rate.map(|rate| ("rate", rate.to_string())));
            settings
        }
        Effect::Concurrency(limit) => limit
            .iter()
            .map(|limit| ("limit", limit.to_string()))
            .collect(),
        Effect::DropAfter { reset } => {
            vec![("how", if *reset { "reset" } else { "close" }.to_owned())]
        }
        Effect::GarbledBody(way) => {
            let named = Garble::ALL.iter().filter(|(garble, _)| garble == way);
            named.map(|(_, name)| ("as", (*name).to_owned())).collect()
        }
        Effect::Lag(lag) => {
            let behind = match lag.behind {
                Behind::Time(time) => ("for", written(time)),
                Behind::Requests(requests) => ("requests", requests.to_string()),
            };
            let mut settings = vec![behind];
            settings.extend(lag.writes.then(|| ("writes", "yes".to_owned())));
            settings
        }
        Effect::Licences(seats) => vec![("seats", seats.to_string())],
        Effect::Reset
        | Effect::DropBefore
        | Effect::TokenExpired
        | Effect::DuplicateDelivery
        | Effect::DailyLimit => Vec::new(),
    }
}

fn written(time: Duration) -> String {
    if time.subsec_nanos() == 0 {
        format!("{}s", time.as_secs())
    } else {
        format!("{}s", time.as_secs_f64())
    }
}

impl Serialize for FaultSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FaultSpec {
    /// Takes the text form, or a table with the same keys and the name under `fault`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Table(BTreeMap<String, Scalar>),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Scalar {
            Text(String),
            Whole(u64),
            Real(f64),
            Flag(bool),
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => text.parse().map_err(de::Error::custom),
            Form::Table(table) => {
                let mut settings: BTreeMap<String, String> = table
                    .into_iter()
                    .map(|(key, value)| {
                        let text = match value {
                            Scalar::Text(text) => text,
                            Scalar::Whole(number) => number.to_string(),
                            Scalar::Real(number) => number.to_string(),
                            Scalar::Flag(flag) => if flag { "yes" } else { "no" }.to_owned(),
                        };
                        (key.to_lowercase(), text)
                    })
                    .collect();
                let name = settings
                    .remove("fault")
                    .ok_or_else(|| de::Error::missing_field("fault"))?;
                Self::build(&name, settings).map_err(de::Error::custom)
            }
        }
    }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
