//! What the system says of a process: memory, threads, processor time. Linux's `/proc`; elsewhere nothing is known.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

fn of(pid: u32) -> PathBuf {
    PathBuf::from("/proc").join(pid.to_string())
}

fn unreadable(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} cannot be read"))
}

/// Returns the bytes of a process that are in memory.
pub(super) fn resident(pid: u32) -> io::Result<f64> {
    Ok(status(pid, "VmRSS:")? * 1_024.0)
}

/// Returns the number of its threads.
pub(super) fn threads(pid: u32) -> io::Result<f64> {
    status(pid, "Threads:")
}

fn status(pid: u32, key: &str) -> io::Result<f64> {
    let text = std::fs::read_to_string(of(pid).join("status"))?;
    text.lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| unreadable(key))
}

/// One thread of a process.
pub(super) struct Thread {
    name: String,
    is_first: bool,
}

/// Tells whether a thread belongs to the screen: the one that draws is the process's first, the others say so.
pub(super) fn is_of_the_screen(thread: &Thread) -> bool {
    thread.is_first || thread.name.starts_with("screen")
}

/// Returns the processor time that some threads of a process have used.
pub(super) fn processor(pid: u32, which: impl Fn(&Thread) -> bool) -> io::Result<Duration> {
    let mut total = Duration::ZERO;
    for task in std::fs::read_dir(of(pid).join("task"))? {
        let task = task?;
        // A thread may end while it is looked at.
        let (Ok(name), Ok(times)) = (
            std::fs::read_to_string(task.path().join("comm")),
            std::fs::read_to_string(task.path().join("schedstat")),
        ) else {
            continue;
        };
        let thread = Thread {
            name: name.trim().to_owned(),
            is_first: task.file_name().to_str() == Some(&pid.to_string()),
        };
        if which(&thread) {
            // The first of three numbers is the time on a processor, in nanoseconds.
            let nanos = times
                .split_whitespace()
                .next()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| unreadable("schedstat"))?;
            total += Duration::from_nanos(nanos);
        }
    }
    Ok(total)
}
