//! What is said when the engine is not this workbench's own: whose it is, that it has gone, and what to do.

use super::{Concern, Screen};
use crate::keymap::Key;
use crate::paint::cells;
use crate::seat::Standing;

/// From so many columns on there is room to say in full whose engine is followed.
const WIDE: u16 = 116;

impl Screen {
    /// Says how the workbench stands to its engine from now on.
    pub(super) fn tell_standing(&mut self, standing: &Standing) {
        let answers_again = match (&self.world.standing, standing) {
            (
                Some(Standing::Silent {
                    process: silent, ..
                }),
                Standing::Attached { process },
            ) => silent == process,
            _ => false,
        };
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
        if answers_again {
            self.tell_of(Concern::Seat, "the engine answers again".to_owned());
        } else if let Some(told) = follows(standing) {
            // That none could be started here is past, whosever this one is.
            self.righted(Concern::Engine);
            self.tell(told);
        } else if let Some(trouble) = self.trouble(standing) {
            self.fail_of(Concern::Seat, trouble);
        }
    }

    /// Returns what is the matter, and what to do about it; nothing when an engine is followed.
    fn trouble(&self, standing: &Standing) -> Option<String> {
        match standing {
            Standing::Attached { .. } | Standing::Here => None,
            Standing::Silent { process, since } => {
                let since = self.world.time(*since);
                Some(format!(
                    "the engine has not answered since {since} (process {process}): nothing is sent until it does\n\
                     It is stopped (`Ctrl-Z`, a debugger), or it has no time. `kill -CONT {process}` lets a stopped process go \
                     on. What is handed in meanwhile waits for its answer. When the engine has ended, what is owed is in the \
                     journal, and E runs the engine here."
                ))
            }
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

    /// Returns whose engine is followed, as far as there is room beside the panel's own words, which take so many cells and
    /// are never cut for it.
    pub(super) fn attached_line(&self, room: usize, taken: usize) -> String {
        let Some(Standing::Attached { process }) = self.world.standing else {
            return String::new();
        };
        let whole = format!("attached to the engine of process {process}");
        let short = format!("attached to process {process}");
        let forms = if self.world.width < WIDE {
            vec![short, "attached".to_owned()]
        } else {
            vec![whole, short, "attached".to_owned()]
        };
        let fits = |form: &String| taken + 3 + cells(form) <= room;
        forms.into_iter().find(fits).unwrap_or_default()
    }

    /// Returns what the status row says in so many cells when something is the matter with it, after which there may be room
    /// for the panel's own words. What can be done comes first: a narrow row cuts the end.
    pub(super) fn standing_line(&self, room: usize) -> Option<String> {
        let (how, briefly) = self.runs_by();
        let forms = match self.world.standing.as_ref()? {
            Standing::Attached { .. } | Standing::Here => return None,
            Standing::Silent { since, .. } => {
                let since = self.world.time(*since);
                vec![
                    format!("the engine has not answered since {since}"),
                    format!("no answer since {since}"),
                ]
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
        line.or(shortest)
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
        Standing::Silent { .. } | Standing::OtherFile { .. } | Standing::Deaf | Standing::Alone => {
            None
        }
    }
}
