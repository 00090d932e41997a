//! The rolling allocation of API calls. There is no rate by the second at Salesforce, only this and concurrency.
//!
//! Source: Salesforce Developer Limits, "API Request Limits and Allocations".

use imbl::OrdMap;
use serde_json::{Map, Value, json};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Counts calls of the last 24 hours, by the minute.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    minutes: OrdMap<i64, u64>,
    used: u64,
    pub(crate) maximum: u64,
    /// What the server around counts, where it has a limit of its own: used and allowed.
    pub(crate) told: Option<(u64, u64)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            minutes: OrdMap::new(),
            used: 0,
            maximum: 15_000,
            told: None,
        }
    }
}

impl Limits {
    /// Counts a call; `false` when the allocation was used up before it. A server that counts decides itself.
    pub(crate) fn count(&mut self, now: i64, told: Option<&str>) -> bool {
        self.told = told
            .and_then(|told| told.split_once('/'))
            .and_then(|(used, all)| Some((used.parse().ok()?, all.parse().ok()?)));
        self.forget(now);
        if self.told.is_none() && self.used >= self.maximum {
            return false;
        }
        *self.minutes.entry(now.div_euclid(MINUTE)).or_insert(0) += 1;
        self.used += 1;
        true
    }

    fn forget(&mut self, now: i64) {
        let oldest = (now - DAY).div_euclid(MINUTE);
        while let Some(&(minute, calls)) = self
            .minutes
            .get_min()
            .filter(|(minute, _)| *minute <= oldest)
        {
            self.minutes.remove(&minute);
            self.used -= calls;
        }
    }

    /// The value of `Sforce-Limit-Info`.
    pub(crate) fn header(&self) -> String {
        let (used, all) = self.usage();
        format!("api-usage={used}/{all}")
    }

    /// Calls made and calls allowed.
    pub(crate) fn usage(&self) -> (u64, u64) {
        self.told.unwrap_or((self.used, self.maximum))
    }

    /// The answer of the resource `limits`: the allocation that is counted, and others of a developer organization
    /// that nothing here can use up.
    pub(crate) fn to_json(&self) -> Value {
        let mut all = Map::new();
        let mut add = |name: &str, maximum: u64, remaining: u64| {
            all.insert(
                name.to_owned(),
                json!({"Max": maximum, "Remaining": remaining}),
            );
        };
        for (name, maximum) in [
            ("ActiveScratchOrgs", 3),
            ("ConcurrentAsyncGetReportInstances", 200),
            ("ConcurrentSyncReportRuns", 20),
            ("DailyAsyncApexExecutions", 250_000),
        ] {
            add(name, maximum, maximum);
        }
        let (used, allowed) = self.usage();
        add("DailyApiRequests", allowed, allowed.saturating_sub(used));
        for (name, maximum) in [
            ("DailyBulkApiBatches", 15_000),
            ("DailyBulkV2QueryJobs", 10_000),
            ("DailyStreamingApiEvents", 10_000),
            ("DataStorageMB", 5),
            ("FileStorageMB", 20),
            ("HourlyODataCallout", 1_000),
            ("MassEmail", 10),
            ("SingleEmail", 15),
        ] {
            add(name, maximum, maximum);
        }
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_older_than_a_day_are_forgotten() {
        let mut limits = Limits {
            maximum: 2,
            ..Limits::default()
        };
        assert!(limits.count(0, None) && limits.count(MINUTE, None));
        assert!(!limits.count(DAY - 1, None));
        assert_eq!(limits.header(), "api-usage=2/2");
        assert!(limits.count(DAY + 1, None));
        assert_eq!(limits.header(), "api-usage=2/2");
        assert_eq!(
            limits.to_json()["DailyApiRequests"],
            json!({"Max": 2, "Remaining": 0})
        );
        assert!(limits.count(DAY + 1, Some("7/9")));
        assert_eq!(limits.header(), "api-usage=7/9");
    }
}
