//! Preconditions by entity tag (RFC 7644, section 3.14; RFC 9110, section 13.1). Tags are weak and compared weakly.

use http::StatusCode;

use super::error::Refusal;

/// The tags a request makes conditions of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Precondition<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
}

impl Precondition<'_> {
    /// Refuses a change of a version that the client has not seen.
    pub(crate) fn check_change(&self, version: &str) -> Result<(), Refusal> {
        let refused = |detail: &str| Err(Refusal::new(StatusCode::PRECONDITION_FAILED, detail));
        if self.if_match.is_some_and(|wanted| !names(wanted, version)) {
            return refused(
                "The resource has changed since; its version is not the one of If-Match.",
            );
        }
        if self
            .if_none_match
            .is_some_and(|unwanted| names(unwanted, version))
        {
            return refused("The resource has the version of If-None-Match.");
        }
        Ok(())
    }

    /// Tells whether the client has this version already.
    pub(crate) fn is_current(&self, version: &str) -> bool {
        self.if_none_match
            .is_some_and(|known| names(known, version))
    }
}

fn names(list: &str, version: &str) -> bool {
    let opaque = |tag: &str| {
        tag.trim()
            .trim_start_matches("W/")
            .trim_matches('"')
            .to_owned()
    };
    list.trim() == "*" || list.split(',').any(|tag| opaque(tag) == opaque(version))
}
