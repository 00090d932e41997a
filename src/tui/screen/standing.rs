//! What is said when the engine is not this workbench's own: whose it is, that it has gone, and what to do.

use super::{Concern, Screen};
use crate::keymap::Key;
use crate::paint::cells;
use crate::seat::Standing;

impl Screen {
    /// Says how the workbench stands to its engine from now on.
    pub(super) fn tell_standing(&mut self, standing: &Standing) {
        // What was told of it before is not true any more.
        if let Some(before) = self.world.standing.as_ref().and_then(follows) {
            self.notes.past(&before);
        }
        self.righted(Concern::Seat);
        if let Standing::Attached { process } = standing
            && self.followed.replace(*process) != Some(*process)
        {
            // Another engine has begun with the file as it is.
            self.righted(Concern::Taken);
        }
        if let Some(told) = follows(standing) {
            self.tell(told);
        } else if let Some(trouble) = self.trouble(standing) {
            self.fail_of(Concern::Seat, trouble);
        }
    }

    /// Returns what is the matter, and what to do about it; nothing when an engine is followed.
    fn trouble(&self, standing: &Standing) -> Option<String> {
        match standing {
            Standing::Attached { .. } | Standing::Here => None,
            Standing::OtherFile { process, file } => {
                let (file, ours) = (file.display(), self.world.file.display());
                Some(format!(
                    "the engine of {file} runs on this journal (process {process}): nothing is asked of it from here\n\
                     The forms here show {ours}, and it does not work by that. What it does is shown as it happens. To command \
                     it, leave (q) and open `outbound --config {file}`; or stop it, and E runs the engine here."
                ))
            }
            Standing::Deaf => Some(
                "another process works on this journal and takes no commands\n\
                 What it does is shown here as it happens. When it has ended, E runs the engine here. What only reads works \
                 already: lists, traces, dry runs."
                    .to_owned(),
            ),
            Standing::Alone => Some(
                "the engine has ended, nothing is sent (:run the engine)\n\
                 What is owed is in the journal. E runs the engine in this process, by workbench.toml as it is now, and what \
                 is owed goes on; where E means something else, `:run the engine` does. Or start `outbound serve`, \
                 and this screen attaches to it by itself."
                    .to_owned(),
            ),
        }
    }

    /// Returns what the status row says of it in so many cells, after which there may be room for the panel's own words.
    /// What can be done comes first: a narrow row cuts the end.
    pub(super) fn standing_line(&self, room: usize) -> Option<(String, bool)> {
        let (how, briefly) = self.runs_by();
        let forms = match self.world.standing.as_ref()? {
            Standing::Here => return None,
            Standing::Attached { process } => {
                return Some((
                    format!("attached to the engine of process {process}"),
                    false,
                ));
            }
            Standing::OtherFile { file, .. } => {
                let file = file.display();
                vec![
                    format!(
                        "q, then outbound --config {file} · engine of that file: not commanded from here"
                    ),
                    format!("q, then outbound --config {file} · not commanded here"),
                    "q leaves · engine of another file".to_owned(),
                ]
            }
            Standing::Deaf => vec![
                format!(
                    "{how} once the other has ended · another process works on the journal and takes no commands"
                ),
                format!("{how} once the other process has ended"),
                format!("{briefly} once the other ends"),
            ],
            Standing::Alone => vec![
                format!("{how} · no engine runs: nothing is sent"),
                format!("{briefly} · nothing is sent"),
            ],
        };
        let shortest = forms.last().cloned();
        let line = forms.into_iter().find(|form| cells(form) <= room);
        line.or(shortest).map(|line| (line, true))
    }

    /// Returns how the engine is run here as things are, in words and in short: the key is another one's where a panel has
    /// its own use for it, and a letter where text is typed.
    fn runs_by(&self) -> (&'static str, &'static str) {
        let panel = &self.panels[self.at];
        if panel.takes_text() {
            return ("Esc, then E runs the engine here", "Esc, then E");
        }
        let own = panel.actions(&self.world);
        if own
            .iter()
            .any(|action| action.key == Some(Key::letter('E')))
        {
            (":run the engine", ":run the engine")
        } else {
            ("E runs the engine here", "E runs it")
        }
    }
}

/// Returns what is said when an engine is followed.
fn follows(standing: &Standing) -> Option<String> {
    match standing {
        Standing::Attached { process } => Some(format!(
            "attached to the engine of process {process}: it sends, and does what is asked here"
        )),
        Standing::Here => Some("the engine runs here: what is owed goes on".to_owned()),
        Standing::OtherFile { .. } | Standing::Deaf | Standing::Alone => None,
    }
}
