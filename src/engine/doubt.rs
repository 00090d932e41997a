//! What a failed attempt leaves open: whether it was carried out all the same.

use domain::{Failure, FailureKind, Remedy};

use crate::Answer;

/// What may have been done although nobody heard of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Doubt {
    /// A request to make an account may have been carried out: it is looked for before another is sent.
    pub(crate) made: bool,
    /// A request may have been carried out; whoever undoes the operation undoes it as if it had been.
    pub(crate) done: bool,
}

impl Doubt {
    pub(crate) const NONE: Self = Self {
        made: false,
        done: false,
    };
    /// An attempt of which nothing is known.
    pub(crate) const FULL: Self = Self {
        made: true,
        done: true,
    };

    /// Says what a failure leaves open.
    ///
    /// A name that is taken and an account that is gone are answers: nothing was done. A connector asks for a look only
    /// where sending again could do a thing twice, so a lost answer that it would simply send again counts as well.
    pub(crate) fn left_by(failure: &Failure) -> Self {
        match failure.kind {
            FailureKind::Conflict | FailureKind::NotFound => Self::NONE,
            _ if failure.remedy == Remedy::AskFirst => Self::FULL,
            FailureKind::ReplyLost | FailureKind::Garbled => Self {
                made: false,
                done: true,
            },
            // The target, or something in front of it, broke down while it had the request.
            FailureKind::TargetError => Self {
                made: false,
                done: matches!(failure.status, Some(500 | 502 | 504)),
            },
            _ => Self::NONE,
        }
    }

    /// Tells whether the target's answer ends the doubt: there is nothing of ours.
    pub(crate) fn is_ended_by(answer: &Answer) -> bool {
        matches!(answer, Answer::Absent | Answer::Foreign { .. })
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            made: self.made || other.made,
            done: self.done || other.done,
        }
    }

    /// Tells whether anything is in doubt.
    pub(crate) fn is_any(self) -> bool {
        self.made || self.done
    }

    /// Returns the number under which it stands in the journal's table.
    pub(crate) fn code(self) -> i64 {
        i64::from(self.made) | (i64::from(self.done) << 1)
    }

    pub(crate) fn of_code(code: i64) -> Self {
        Self {
            made: code & 1 != 0,
            done: code != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::double::failure;

    #[test]
    fn a_lost_answer_leaves_doubt_whatever_the_connector_would_do_next() {
        let retry = Remedy::Retry { after: None };
        for kind in [FailureKind::ReplyLost, FailureKind::Garbled] {
            assert_eq!(
                Doubt::left_by(&failure(kind, Remedy::AskFirst)),
                Doubt::FULL
            );
            let safe = Doubt::left_by(&failure(kind, retry));
            assert!(safe.done && !safe.made);
            assert!(Doubt::left_by(&failure(kind, Remedy::GiveUp)).done);
            assert_eq!(Doubt::of_code(safe.code()), safe);
        }
        for kind in [FailureKind::Conflict, FailureKind::NotFound] {
            assert_eq!(
                Doubt::left_by(&failure(kind, Remedy::AskFirst)),
                Doubt::NONE
            );
        }
        let mut broken = failure(FailureKind::TargetError, retry);
        assert!(!Doubt::left_by(&broken).is_any());
        broken.status = Some(502);
        assert!(Doubt::left_by(&broken).done);
    }
}
