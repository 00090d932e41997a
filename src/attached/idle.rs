//! Whether anything is under way in an engine of another process, as the journal tells it.

use engine::{Idle, JournalError, OperationFilter, OperationView, Page, Reader, State};
use jiff::Timestamp;

/// Looks what is under way and what waits; nothing while something is under way or is due before the deadline, or while
/// more is written than can be looked at as it is at one moment.
pub(super) fn idle(reader: &Reader, deadline: Timestamp) -> Result<Option<Idle>, JournalError> {
    let at = reader.last()?;
    let (mut waiting, mut next, mut held) = (0, None::<Timestamp>, 0);
    for state in [
        State::Queued,
        State::InFlight,
        State::Retrying,
        State::InDoubt,
        State::Held,
    ] {
        let is_idle = each(reader, state, |view| {
            if state == State::Held {
                held += 1;
                return true;
            }
            let Some(due) = view.life.due().filter(|due| *due > deadline) else {
                return false;
            };
            waiting += 1;
            next = Some(next.map_or(due, |next| next.min(due)));
            true
        })?;
        if !is_idle {
            return Ok(None);
        }
    }
    Ok((reader.last()? == at).then_some(Idle {
        waiting,
        next,
        held,
    }))
}

/// Looks at every operation in a state, page by page, until one ends it; returns whether none did.
fn each(
    reader: &Reader,
    state: State,
    mut look: impl FnMut(&OperationView) -> bool,
) -> Result<bool, JournalError> {
    const FIRST: usize = 16; // most often one of the newest ends it
    const MANY: usize = 1000;
    let filter = OperationFilter {
        state: Some(state),
        ..OperationFilter::default()
    };
    let mut page = Page::newest(FIRST);
    loop {
        let views = reader.operations(&filter, page)?;
        if !views.iter().all(&mut look) {
            return Ok(false);
        }
        match views.last() {
            Some(oldest) if views.len() == page.limit => page = Page::before(oldest.seq, MANY),
            _ => return Ok(true),
        }
    }
}
