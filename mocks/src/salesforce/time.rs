//! Dates as Salesforce writes and reads them: `2026-11-22T01:02:03.000+0000`, always UTC, milliseconds.

use jiff::{Timestamp, civil, tz::TimeZone};

/// Writes a point in time, given in milliseconds since 1970.
pub(crate) fn wire(milliseconds: i64) -> String {
    let stamp = Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    let mut text = format!("{stamp:.3}");
    text.pop(); // the `Z`
    text.push_str("+0000");
    text
}

/// Reads a date with time and offset (`Z`, `+00:00` and `+0000` alike) as milliseconds since 1970.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.get(10) != Some(&b'T') {
        return None;
    }
    let parsed = text.parse::<Timestamp>().ok().or_else(|| {
        let (stem, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
        let (sign, digits) = offset.split_at(1);
        let offset = matches!(sign, "+" | "-")
            .then(|| format!("{sign}{}:{}", &digits[..2], &digits[2..]))?;
        format!("{stem}{offset}").parse::<Timestamp>().ok()
    })?;
    Some(parsed.as_millisecond())
}

/// Reads a date without time as the milliseconds of its first moment in UTC.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let shape = text.len() == 10
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = shape.then(|| text.parse::<civil::Date>().ok())??;
    start_of(date)
}

/// Returns the UTC day a point in time falls on.
pub(crate) fn day_of(milliseconds: i64) -> civil::Date {
    Timestamp::from_millisecond(milliseconds)
        .unwrap_or_default()
        .to_zoned(TimeZone::UTC)
        .date()
}

/// Returns the first moment of a day in UTC, in milliseconds.
pub(crate) fn start_of(date: civil::Date) -> Option<i64> {
    date.to_zoned(TimeZone::UTC)
        .ok()
        .map(|start| start.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_the_vendor_writes_it_and_read_back() {
        let stamp = parse("2026-11-22T01:02:03Z").unwrap();
        assert_eq!(wire(stamp), "2026-11-22T01:02:03.000+0000");
        for text in [
            "2026-11-22T01:02:03.000+0000",
            "2026-11-22T02:02:03.000+01:00",
            "2026-11-21T20:02:03-0500",
        ] {
            assert_eq!(parse(text), Some(stamp), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-13-22T00:00:00Z",
            "2026-11-22 00:00:00 UTC",
            "x",
            "+0000",
            "äöüäöüäöüäöü",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_date("2026-11-22"), parse("2026-11-22T00:00:00Z"));
        assert_eq!(parse_date("2026-02-30"), None);
    }
}
