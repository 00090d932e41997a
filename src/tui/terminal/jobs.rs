//! Whether somebody controls this process as a job, as a shell does.

use rustix::process::{Pid, getpgid, getpgrp, getpid, getppid, getsid};

/// Tells whether nobody who could continue this process group is there: no parent of it is outside the group and in the
/// same session (POSIX, *orphaned process group*). Such a group is not stopped by the signals of a terminal.
pub(super) fn is_orphaned() -> bool {
    let (group, session) = (getpgrp(), getsid(None).ok());
    let mut one = getpid();
    let mut parent = getppid();
    // Up through those of our own group, as far as they can be seen.
    while let Some(above) = parent {
        if above == one || getsid(Some(above)).ok() != session {
            return true;
        }
        if getpgid(Some(above)).ok() != Some(group) {
            return false;
        }
        one = above;
        parent = parent_of(one);
    }
    true
}

/// Reads the parent of another process from what Linux tells of it; elsewhere it is not known.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name stands in parentheses and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    Pid::from_raw(rest.split_whitespace().nth(1)?.parse().ok()?)
}
