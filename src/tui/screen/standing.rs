//! What is said when the engine is not this workbench's own: whose it is, that it has gone, and what to do.

use super::Screen;
use crate::seat::Standing;

impl Screen {
    /// Says how the workbench stands to its engine from now on.
    pub(super) fn tell_standing(&mut self, standing: &Standing) {
        let before = self.world.standing.as_ref();
        let before = before.and_then(|before| self.trouble(before));
        if before.is_some() && self.failure == before {
            // It is not true any more.
            self.failure = None;
        }
        match (self.trouble(standing), standing) {
            (Some(trouble), _) => self.fail(trouble),
            (None, Standing::Attached { process }) => self.say(format!(
                "attached to the engine of process {process}: it sends, and does what is asked here"
            )),
            (None, _) => self.say("the engine runs here: what is owed goes on".to_owned()),
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
                "the engine has ended: nothing is sent any more (E runs it here)\n\
                 What is owed is in the journal. E runs the engine in this process, by workbench.toml as it is now, and what \
                 is owed goes on; or start `outbound serve`, and this screen attaches to it by itself."
                    .to_owned(),
            ),
        }
    }

    /// Returns what the status row says of it, after which there may be room for the panel's own words.
    pub(super) fn standing_line(&self) -> Option<(String, bool)> {
        let line = match self.world.standing.as_ref()? {
            Standing::Here => return None,
            Standing::Attached { process } => {
                return Some((format!("attached to the engine of process {process}"), false));
            }
            Standing::OtherFile { file, .. } => format!(
                "engine of {}: not commanded from here · q, then outbound --config {0}",
                file.display()
            ),
            Standing::Deaf => "another process works on the journal and takes no commands · E runs the engine here \
                               once it has ended"
                .to_owned(),
            Standing::Alone => "no engine runs: nothing is sent · E runs it here".to_owned(),
        };
        Some((line, true))
    }
}
