//! What can be made to go wrong on purpose: a closed list, each entry with a name, a sentence and its parameters.
//!
//! [`Fault::ALL`] is the one list; help, panels, lessons and tests are made from it. A [`FaultSpec`] says which fault,
//! on what and how often; the server arms it, counts it and disarms it.

mod armed;
mod operations;
mod spec;

use std::{fmt, time::Duration};

use http::StatusCode;
use serde::Serialize;

pub use armed::{Armed, FaultId};
pub(crate) use armed::{Asked, Faults, Hangup, Plan, Refusal, whole_seconds};
pub(crate) use spec::duration;
pub use spec::{FaultSpec, Matcher, SETTINGS, SpecError, Times};

use crate::quota::Rate;

/// A named failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The answer comes late.
    Latency,
    /// The body trickles.
    SlowBody,
    /// A plain failure with a status.
    Status,
    /// The rate of one user or client is used up.
    UserRate,
    /// The rate of the whole account is used up.
    AccountRate,
    /// Too many requests at once.
    Concurrency,
    /// The connection is reset.
    Reset,
    /// The connection closes before the work.
    DropBefore,
    /// The connection closes after the work.
    DropAfter,
    /// The answer is no longer what it was.
    GarbledBody,
    /// Every token is void.
    TokenExpired,
    /// Reads lag behind writes.
    Lag,
    /// No seat is left.
    Licences,
    /// The request arrives twice.
    DuplicateDelivery,
    /// The allocation of the day is used up.
    DailyLimit,
}

/// One line of [`Fault::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The fault.
    pub fault: Fault,
    /// Its name in a specification.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub sentence: &'static str,
    /// What a client sees of it.
    pub effect: &'static str,
    /// Its own parameters: name, and meaning with the default.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Whether it stays armed until it is disarmed, when the specification does not say how often.
    pub stays: bool,
}

impl Fault {
    /// Every fault, in the order of the documentation.
    pub const ALL: [Row; 15] = [
        Row {
            fault: Fault::Latency,
            name: "latency",
            sentence: "The answer comes late.",
            effect: "the request is held before it is worked on",
            parameters: &[(
                "delay",
                "how long, as `250ms` or a range `100ms..2s` (default 1s)",
            )],
            stays: true,
        },
        Row {
            fault: Fault::SlowBody,
            name: "slow-body",
            sentence: "The body trickles in small pieces.",
            effect: "status and headers at once, then the body spread over the given time",
            parameters: &[("over", "how long the body takes (default 5s)")],
            stays: true,
        },
        Row {
            fault: Fault::Status,
            name: "status",
            sentence: "The target fails with a status of your choice.",
            effect: "the vendor's error body under that status; nothing is done",
            parameters: &[
                ("code", "400 to 599 (default 503)"),
                ("retry-after", "adds the header, as `2s` (default none)"),
            ],
            stays: false,
        },
        Row {
            fault: Fault::UserRate,
            name: "user-rate",
            sentence: "One user or client asked too often.",
            effect: "Google 403 userRateLimitExceeded, SCIM 429 with Retry-After; nothing is done",
            parameters: &[
                ("retry-after", "what the answer promises (default 1s)"),
                (
                    "rate",
                    "a real token bucket, as `10/60` for ten a minute: refuses only beyond it (default refuses all)",
                ),
            ],
            stays: false,
        },
        Row {
            fault: Fault::AccountRate,
            name: "account-rate",
            sentence: "The whole account asked too often.",
            effect: "Google 429 rateLimitExceeded, SCIM 429 with Retry-After; nothing is done",
            parameters: &[
                ("retry-after", "what the answer promises (default 1s)"),
                (
                    "rate",
                    "a real token bucket, as `10/60` for ten a minute: refuses only beyond it (default refuses all)",
                ),
            ],
            stays: false,
        },
        Row {
            fault: Fault::Concurrency,
            name: "concurrency",
            sentence: "Too many requests are under way at once.",
            effect: "Google 403 quotaExceeded, Salesforce 403 REQUEST_LIMIT_EXCEEDED; nothing is done",
            parameters: &[(
                "limit",
                "refuses only what exceeds so many at once (default refuses all)",
            )],
            stays: false,
        },
        Row {
            fault: Fault::Reset,
            name: "reset",
            sentence: "The connection is reset before the work.",
            effect: "TCP RST instead of an answer; nothing is done",
            parameters: &[],
            stays: false,
        },
        Row {
            fault: Fault::DropBefore,
            name: "drop-before",
            sentence: "The connection closes before the work.",
            effect: "end of stream instead of a status line; nothing is done",
            parameters: &[],
            stays: false,
        },
        Row {
            fault: Fault::DropAfter,
            name: "drop-after",
            sentence: "The work is done, but nobody hears of it.",
            effect: "end of stream instead of a status line; the change is there",
            parameters: &[("how", "`close` or `reset` (default close)")],
            stays: false,
        },
        Row {
            fault: Fault::GarbledBody,
            name: "garbled-body",
            sentence: "The answer arrives damaged.",
            effect: "the work is done; status and headers are right, the body is not",
            parameters: &[(
                "as",
                "`cut` (half of it, then the end), `empty`, `html` (a proxy's page), `bytes` (no UTF-8), `deep` (JSON \
                 nested 100,000 times), `bomb` (64 MiB in a small gzip), `endless` (default cut)",
            )],
            stays: false,
        },
        Row {
            fault: Fault::TokenExpired,
            name: "token-expired",
            sentence: "Every token that was handed out is void at once.",
            effect: "401 in the vendor's words until a new token is fetched; nothing is done",
            parameters: &[],
            stays: false,
        },
        Row {
            fault: Fault::Lag,
            name: "lag",
            sentence: "Reads lag behind writes.",
            effect: "reads are answered from an older state",
            parameters: &[
                ("for", "how old the state is, as `5s` (default 5s)"),
                (
                    "requests",
                    "how old the state is, counted in requests (default: by time)",
                ),
                (
                    "writes",
                    "`yes`: a write to what the older state does not know answers 404, too (default no)",
                ),
            ],
            stays: true,
        },
        Row {
            fault: Fault::Licences,
            name: "licences",
            sentence: "No licence is left for another account.",
            effect: "a write that would take a seat is refused as the vendor does; other writes pass",
            parameters: &[("seats", "how many active accounts there may be (default 0)")],
            stays: true,
        },
        Row {
            fault: Fault::DuplicateDelivery,
            name: "duplicate-delivery",
            sentence: "The request arrives twice: a proxy retries it.",
            effect: "it is worked on twice; the client gets the second answer",
            parameters: &[],
            stays: false,
        },
        Row {
            fault: Fault::DailyLimit,
            name: "daily-limit",
            sentence: "The allocation of the last 24 hours is used up.",
            effect: "Salesforce 403 REQUEST_LIMIT_EXCEEDED; nothing is done",
            parameters: &[],
            stays: false,
        },
    ];

    /// Returns the fault's line in the list.
    pub fn row(self) -> &'static Row {
        // A constant has no address of its own; the list is promoted to one static.
        static ALL: [Row; 15] = Fault::ALL;
        ALL.iter()
            .find(|row| row.fault == self)
            .expect("every fault has its line, as a test shows")
    }

    /// Returns the fault's name in a specification.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an armed fault does, its parameters resolved.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Holds the request for a time between the two.
    Latency(Duration, Duration),
    /// Spreads the body over a time.
    SlowBody(Duration),
    /// Answers a status, perhaps with `Retry-After`.
    Status(StatusCode, Option<Duration>),
    /// Refuses by the user's rate.
    UserRate(Throttle),
    /// Refuses by the account's rate.
    AccountRate(Throttle),
    /// Refuses what exceeds so many at once; everything without a limit.
    Concurrency(Option<usize>),
    /// Resets the connection before the work.
    Reset,
    /// Closes the connection before the work.
    DropBefore,
    /// Works, then closes the connection (`false`) or resets it (`true`).
    DropAfter {
        /// Whether the peer sees a reset instead of an end.
        reset: bool,
    },
    /// Damages the body.
    GarbledBody(Garble),
    /// Voids every token.
    TokenExpired,
    /// Answers reads from an older state.
    Lag(Lag),
    /// Limits the active accounts.
    Licences(u64),
    /// Works twice.
    DuplicateDelivery,
    /// Refuses by the allocation of the day.
    DailyLimit,
}

impl Effect {
    /// Returns the fault whose effect this is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Latency(..) => Fault::Latency,
            Self::SlowBody(_) => Fault::SlowBody,
            Self::Status(..) => Fault::Status,
            Self::UserRate(_) => Fault::UserRate,
            Self::AccountRate(_) => Fault::AccountRate,
            Self::Concurrency(_) => Fault::Concurrency,
            Self::Reset => Fault::Reset,
            Self::DropBefore => Fault::DropBefore,
            Self::DropAfter { .. } => Fault::DropAfter,
            Self::GarbledBody(_) => Fault::GarbledBody,
            Self::TokenExpired => Fault::TokenExpired,
            Self::Lag(_) => Fault::Lag,
            Self::Licences(_) => Fault::Licences,
            Self::DuplicateDelivery => Fault::DuplicateDelivery,
            Self::DailyLimit => Fault::DailyLimit,
        }
    }
}

/// When and how a rate fault refuses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throttle {
    /// What the answer promises when there is no bucket to ask.
    pub retry_after: Duration,
    /// The bucket; without one everything is refused.
    pub rate: Option<Rate>,
}

/// How a body is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garble {
    /// Half of it, then the end of the connection.
    Cut,
    /// Nothing under the same status.
    Empty,
    /// A proxy's page in HTML.
    Html,
    /// Bytes that are no text.
    Bytes,
    /// JSON nested 100,000 times.
    Deep,
    /// A small gzip that unpacks to 64 MiB.
    Bomb,
    /// A body without an end.
    Endless,
}

impl Garble {
    /// Every way, with its name.
    pub const ALL: [(Garble, &'static str); 7] = [
        (Garble::Cut, "cut"),
        (Garble::Empty, "empty"),
        (Garble::Html, "html"),
        (Garble::Bytes, "bytes"),
        (Garble::Deep, "deep"),
        (Garble::Bomb, "bomb"),
        (Garble::Endless, "endless"),
    ];
}

/// How far reads lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// The age of the state.
    pub behind: Behind,
    /// Whether a write to what the older state does not know fails, too.
    pub writes: bool,
}

/// The age of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// By time.
    Time(Duration),
    /// By requests that this mock has seen since.
    Requests(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_one_line_and_its_name_reads_as_it_serialises() {
        for row in Fault::ALL {
            assert_eq!(row.fault.row(), &row);
            assert_eq!(serde_json::to_value(row.fault).unwrap(), row.name);
            let spec: FaultSpec = row.name.parse().unwrap();
            assert_eq!(spec.effect.fault(), row.fault);
            assert_eq!(spec.times == Times::Always, row.stays, "{}", row.name);
        }
    }
}
