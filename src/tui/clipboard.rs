//! The ways to a clipboard, however far away it is: tmux's buffer, the terminal's own (OSC 52), and a file at last.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::terminal;

/// Terminals refuse what is longer than this, in bytes.
const LONGEST: usize = 74_994;

/// Copies a text and says where it is now. Inside tmux the buffer is asked first, because tmux keeps OSC 52 of programs
/// to itself unless it is told otherwise.
pub(crate) fn copy(what: &str, text: &str, folder: &Path) -> Result<String, String> {
    if std::env::var_os("TMUX").is_some() && into_tmux(text) {
        return Ok(format!("{what} copied through tmux ({} bytes)", text.len()));
    }
    if text.len() > LONGEST {
        return into_file(what, "is too long for the clipboard", text, folder);
    }
    if terminal::copy(text).is_err() {
        return into_file(what, "could not be given to the terminal", text, folder);
    }
    let term = std::env::var("TERM").unwrap_or_default();
    Ok(sent(what, text.len(), &term))
}

/// Says that the terminal was asked to keep a text. Nobody learns whether it did; tmux on the other end of a line, which
/// shows by the terminal's name alone, does so only when it is told to.
fn sent(what: &str, bytes: usize, term: &str) -> String {
    let is_tmux = ["tmux", "screen"].iter().any(|name| term.starts_with(name));
    let only = if is_tmux {
        "; tmux takes it with `set -g set-clipboard on` only"
    } else {
        ""
    };
    format!("{what} copied ({bytes} bytes){only}")
}

/// Gives the text to tmux, which hands it on to the terminal's clipboard where it can (`-w`, from tmux 3.2 on).
fn into_tmux(text: &str) -> bool {
    [&["load-buffer", "-w", "-"][..], &["load-buffer", "-"][..]]
        .iter()
        .any(|words| {
            let child = Command::new("tmux")
                .args(*words)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let Ok(mut child) = child else { return false };
            let written = child
                .stdin
                .take()
                .is_some_and(|mut input| input.write_all(text.as_bytes()).is_ok());
            child.wait().is_ok_and(|status| status.success()) && written
        })
}

fn into_file(what: &str, why: &str, text: &str, folder: &Path) -> Result<String, String> {
    let path = folder.join("outbound-copy.txt");
    std::fs::write(&path, text)
        .map(|()| format!("{what} {why}; it is in {}", path.display()))
        .map_err(|error| format!("cannot copy {what}, nor write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tmux_far_away_is_known_by_the_terminals_name() {
        assert_eq!(sent("curl", 3, "xterm-256color"), "curl copied (3 bytes)");
        assert!(sent("curl", 3, "tmux-256color").contains("set-clipboard on"));
        assert!(sent("curl", 3, "screen.xterm").contains("set-clipboard on"));
    }

    #[test]
    fn what_no_clipboard_takes_is_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let text = "x".repeat(LONGEST + 1);
        let why = "is too long for the clipboard";
        let told = into_file("HAR", why, &text, folder.path()).unwrap();
        assert!(told.contains(why), "{told}");
        assert!(told.contains("outbound-copy.txt"), "{told}");
        let kept = std::fs::read_to_string(folder.path().join("outbound-copy.txt")).unwrap();
        assert_eq!(kept, text);
        let missing = folder.path().join("missing");
        let nowhere = into_file("HAR", why, &text, &missing).unwrap_err();
        assert!(nowhere.contains("cannot copy HAR"), "{nowhere}");
    }
}
