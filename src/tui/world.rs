//! What every panel may look at.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::{Catalogue, Configuration, ConnectorRef, Exchange, LabFault, LabMock, RoleName};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::View;
use crate::board::Board;
use crate::draft::Draft;
use crate::seat::Standing;
use crate::theme::Theme;
use crate::widgets::{Choice, Field};
use crate::wish::DirectoryTab;
use crate::work::Work;

/// How exchanges leave the screen; the root package knows the formats.
#[derive(Clone, Copy)]
pub struct Exports {
    /// One exchange as a `curl` command.
    pub curl: fn(&Exchange) -> String,
    /// Exchanges as an HTTP Archive.
    pub har: fn(&[&Exchange]) -> String,
}

/// The board, the configuration and the surroundings.
pub(crate) struct World {
    pub(crate) running: Arc<Configuration>,
    pub(crate) catalogue: Catalogue,
    pub(crate) file: PathBuf,
    /// Changes of `workbench.toml` that are not saved.
    pub(crate) draft: Option<Draft>,
    pub(crate) board: Board,
    pub(crate) mocks: Vec<LabMock>,
    pub(crate) faults: Vec<LabFault>,
    pub(crate) theme: Theme,
    pub(crate) exports: Exports,
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
    /// The monotonic clock.
    pub(crate) passed: Duration,
    /// The width of the terminal, for panels that offer more where there is room.
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Chooses example names.
    pub(crate) seed: u64,
    /// Recorded requests may be sent again to targets that are no mocks.
    pub(crate) may_replay: bool,
    /// The directory's roles, as they were read last.
    pub(crate) roles: Vec<RoleName>,
    /// Who or what was selected in the Directory when another panel was shown.
    pub(crate) selected: Option<(DirectoryTab, String)>,
    /// How the workbench stands to an engine that is not its own.
    pub(crate) standing: Option<Standing>,
    /// Grows when something was logged, so that the panel *Log* knows when to read again.
    pub(crate) logged: u64,
    /// The long work that is under way, or the report of the last one.
    pub(crate) work: Option<Work>,
}

impl World {
    /// Begins with what the workbench was opened on; what the journal holds is read afterwards.
    pub(crate) fn open(view: &View, theme: Theme) -> Self {
        Self {
            running: Arc::clone(&view.configuration),
            catalogue: view.catalogue,
            file: view.file.clone(),
            draft: None,
            board: Board::default(),
            mocks: Vec::new(),
            faults: Vec::new(),
            theme,
            exports: view.exports,
            zone: TimeZone::system(),
            now: view.clock.now(),
            passed: view.clock.monotonic(),
            width: 80,
            height: 24,
            seed: view.seed,
            may_replay: view.may_replay,
            selected: None,
            standing: None,
            logged: 0,
            roles: Vec::new(),
            work: None,
        }
    }

    /// Returns the configuration as it would be with the draft.
    pub(crate) fn config(&self) -> &Configuration {
        self.draft
            .as_ref()
            .map_or(&self.running, |draft| &draft.configuration)
    }

    /// Returns the roles that can be assigned: those of the directory, and those that connections ask for.
    pub(crate) fn known_roles(&self) -> Vec<RoleName> {
        self.roles_with(&self.roles)
    }

    /// Returns these roles of the directory with those that connections ask for, in order.
    pub(crate) fn roles_with(&self, roles: &[RoleName]) -> Vec<RoleName> {
        let asked = self.config().connections.iter();
        let asked = asked.flat_map(|connection| &connection.outbound_roles);
        let mut roles: Vec<RoleName> = roles.iter().chain(asked).cloned().collect();
        roles.sort();
        roles.dedup();
        roles
    }

    /// Returns what is selected in a list of the Directory, when it is that list that is shown there.
    pub(crate) fn selected_of(&self, tab: DirectoryTab) -> Option<&str> {
        let (shown, name) = self.selected.as_ref()?;
        (*shown == tab).then_some(name.as_str())
    }

    /// Returns a name that no role has, for one that is to be created.
    pub(crate) fn free_role(&self) -> String {
        let known = self.known_roles();
        let is_free = |name: &String| !known.contains(&RoleName::new(name));
        let more = (2_usize..).map(|nth| format!("auditor-{nth}"));
        let mut names = std::iter::once("auditor".to_owned()).chain(more);
        names.find(is_free).unwrap_or_default()
    }

    /// Returns the field for a role: a choice where there are any, this one first when it is among them.
    pub(crate) fn role_field(&self, chosen: Option<&str>) -> Field {
        let roles = self.known_roles();
        if roles.is_empty() {
            return Field::text("role", "Role", "")
                .hint("There is none yet: create one, or name one in a connection's roles.");
        }
        let first = chosen.unwrap_or(roles[0].as_str()).to_owned();
        let options = roles
            .into_iter()
            .map(|role| Choice::plain(role.as_str()))
            .collect();
        Field::choice("role", "Role", options, &first)
    }

    /// Returns the names of the roles for a hint.
    pub(crate) fn roles_hint(&self) -> String {
        let roles = self.known_roles();
        if roles.is_empty() {
            return "Separated by commas.".to_owned();
        }
        let names: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
        format!("Separated by commas, of: {}", names.join(", "))
    }

    /// Returns the folder that relative paths in the file start from.
    pub(crate) fn base(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// Returns the file's name.
    pub(crate) fn file_name(&self) -> String {
        self.file.file_name().map_or_else(
            || "workbench.toml".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// Writes a time of day as it is here.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone())
            .strftime("%H:%M:%S")
            .to_string()
    }

    /// Writes when something was: the time of day, and the day instead of the seconds where that was not today.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        let now = self.now.to_zoned(self.zone.clone());
        let form = if at.date() == now.date() {
            "%H:%M:%S"
        } else {
            "%Y-%m-%d %H:%M"
        };
        at.strftime(form).to_string()
    }

    /// Writes the time of day for the name of a file.
    pub(crate) fn name_of_now(&self) -> String {
        self.time(self.now).replace(':', "")
    }

    /// Writes a time of day with milliseconds.
    pub(crate) fn exact_time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone())
            .strftime("%H:%M:%S%.3f")
            .to_string()
    }

    /// Returns when a connector in quarantine is probed next; nothing when it is in none.
    pub(crate) fn next_probe(&self, connector: &ConnectorRef) -> Option<Timestamp> {
        let quarantine = self.board.quarantines.of(connector);
        quarantine.map(|quarantine| quarantine.next_probe)
    }

    /// Tells whether a connector speaks to this machine only.
    pub(crate) fn is_mock(&self, connector: &ConnectorRef) -> bool {
        self.config().stays_here(&self.catalogue, connector)
    }
}
