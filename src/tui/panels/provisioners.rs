//! The provisioners of the resident application or of one application: form, rows, edits, and what they mean in words.

use config::edit::Value;
use domain::{ApplicationId, Configuration, ConnectorRef, FieldKind, OnFailure, Provisioner};
use ratatui::layout::Rect;

use crate::draft::Edit;
use crate::modal::{Modal, Question, Sheet};
use crate::paint::{Column, Pen, wrap};
use crate::panels::BESIDE;
use crate::widgets::{Button, Choice, Field, Form, Picked};
use crate::wish::Wish;
use crate::world::World;

/// Whose provisioners they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    Resident,
    Application(ApplicationId),
}

impl Owner {
    fn array(&self) -> String {
        match self {
            Self::Resident => "resident.provisioners".to_owned(),
            Self::Application(id) => format!("applications[id={id}].provisioners"),
        }
    }

    fn path(&self, connector: &ConnectorRef) -> String {
        format!(
            "{}[connection={},connector={}]",
            self.array(),
            connector.connection,
            connector.kind
        )
    }

    /// Returns the entries in file order.
    pub(crate) fn list<'c>(&self, config: &'c Configuration) -> &'c [Provisioner] {
        match self {
            Self::Resident => &config.resident,
            Self::Application(id) => config.application(id).map_or(&[], |one| &one.provisioners),
        }
    }

    /// Tells whether a connector is listed.
    fn has(&self, world: &World, connector: &ConnectorRef) -> bool {
        let mut entries = self.list(world.config()).iter();
        entries.any(|one| one.connector == *connector)
    }

    /// Returns what the list knows its entries by, in file order.
    pub(crate) fn keys(&self, config: &Configuration) -> Vec<String> {
        let entries = self.list(config).iter();
        entries.map(|one| one.connector.to_string()).collect()
    }

    /// Selects an entry that was just made.
    fn made(&self, connector: &ConnectorRef) -> Wish {
        let (panel, key, part) = match self {
            Self::Resident => ("provisioning", connector.to_string(), None),
            Self::Application(id) => ("applications", id.to_string(), Some(connector.to_string())),
        };
        Wish::Made { panel, key, part }
    }

    fn jit_default(&self) -> bool {
        // The overview guide lists JIT among the organization's triggers; an application has to tick it.
        *self == Self::Resident
    }
}

/// Draws the entries as rows.
pub(crate) fn rows(
    world: &World,
    owner: &Owner,
    list: &Picked,
    pen: &mut Pen<'_>,
    area: Rect,
    focused: bool,
) {
    let theme = world.theme;
    let entries = owner.list(world.config());
    let head = Rect {
        x: area.x + 1,
        height: 1,
        width: area.width.saturating_sub(1),
        ..area
    };
    let name = area.width.saturating_sub(52).clamp(12, 34);
    let titles = [
        "Provisioning Connection",
        "Connector",
        "Blocking",
        "Rules",
        "JIT",
        "State",
    ];
    let widths = [name, 11, 9, 6, 5, 14];
    let columns: Vec<Column<'_>> = titles
        .iter()
        .zip(widths)
        .map(|(title, width)| Column::new(title, width, theme.dim))
        .collect();
    pen.columns(head, &columns);
    let body = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    let keys = owner.keys(world.config());
    list.draw(pen, body, &keys, focused, |pen, row, at| {
        let one = &entries[at];
        let found = world.config().connector(&one.connector);
        let connection = found.map_or_else(
            || one.connector.connection.to_string(),
            |(connection, _)| connection.name.clone(),
        );
        let (state, style) = match found {
            None => ("unknown", theme.bad),
            Some((connection, _)) if !connection.enabled => ("connection off", theme.warn),
            Some((_, settings)) if !settings.enabled => ("disabled", theme.warn),
            Some((_, settings)) if settings.paused => ("paused", theme.warn),
            Some(_) => ("enabled", theme.good),
        };
        let tick = |on: bool| if on { "[x]" } else { "[ ]" };
        let kind = label(world, &one.connector);
        pen.columns(
            row,
            &[
                Column::new(&connection, widths[0], theme.text),
                Column::new(&kind, widths[1], theme.text),
                Column::new(tick(one.blocking), widths[2], theme.text),
                Column::new(tick(one.rules), widths[3], theme.text),
                Column::new(tick(one.jit), widths[4], theme.text),
                Column::new(state, widths[5], style),
            ],
        );
    });
}

fn label(world: &World, connector: &ConnectorRef) -> String {
    world
        .catalogue
        .of(&connector.kind)
        .map_or_else(|| connector.kind.to_string(), |kind| kind.label.to_owned())
}

/// Says in words what each entry leads to, where there is room for all of them: then an arrow changes nothing here. Else it
/// follows the selection, or where that would be written anew over a slow line, it says what tells it, and what of all of
/// them is to be warned of.
pub(crate) fn draw_meanings(
    world: &World,
    owner: &Owner,
    selected: Option<usize>,
    pen: &mut Pen<'_>,
    area: Rect,
) {
    let entries = owner.list(world.config());
    let all = entries.iter().map(|one| meaning(world, owner, one));
    let all: Vec<Vec<String>> = all.collect();
    let room = usize::from(area.height);
    let rows = |line: &String| wrap(line, usize::from(area.width)).len();
    let needed: usize = all.iter().flatten().map(rows).sum();
    if needed > room && world.width < BESIDE && world.theme.boxes {
        draw_warnings(world, entries, &all, pen, area);
        return;
    }
    let shown = if needed > room {
        let one = selected.and_then(|at| all.into_iter().nth(at));
        one.into_iter().collect()
    } else {
        all
    };
    // With a blank row between them where there is room for it.
    let blank = u16::from(needed + shown.len() <= room + 1);
    let mut y = area.y;
    for lines in shown {
        for line in lines {
            let left = Rect {
                y,
                height: area.bottom().saturating_sub(y),
                ..area
            };
            y += pen.paragraph(left, &line, pen.theme.text).max(1);
        }
        y += blank;
    }
}

/// Says what tells what the selected one leads to, and below the name of each connector what is to be warned of there.
fn draw_warnings(
    world: &World,
    entries: &[Provisioner],
    meanings: &[Vec<String>],
    pen: &mut Pen<'_>,
    area: Rect,
) {
    let theme = world.theme;
    let told = "Enter says in words what the selected one leads to.";
    let used = pen.paragraph(area, told, theme.dim);
    let width = usize::from(area.width);
    let mut rows = Vec::new();
    for (one, lines) in entries.iter().zip(meanings) {
        let mut warnings = lines.iter().filter(|line| is_warning(line)).peekable();
        if warnings.peek().is_some() {
            rows.push((target(world, &one.connector), theme.name));
        }
        for line in warnings {
            let parts = wrap(line, width).into_iter();
            rows.extend(parts.map(|part| (part.to_owned(), theme.warn)));
        }
    }
    let room = usize::from(area.height.saturating_sub(used));
    if rows.len() > room {
        rows.truncate(room.saturating_sub(1));
        rows.push(("… and more, which Enter tells".to_owned(), theme.warn));
    }
    for ((text, style), y) in rows.iter().zip(area.y + used..area.bottom()) {
        pen.put(area.x, y, area.width, text, *style);
    }
}

/// Tells whether a line of a meaning warns.
fn is_warning(line: &str) -> bool {
    line.starts_with("! ")
}

/// Names a connector by its connection.
fn target(world: &World, connector: &ConnectorRef) -> String {
    world.config().connector(connector).map_or_else(
        || connector.to_string(),
        |(connection, _)| format!("{} ({})", connection.name, label(world, connector)),
    )
}

/// Says in words what an entry leads to.
pub(crate) fn meaning(world: &World, owner: &Owner, one: &Provisioner) -> Vec<String> {
    let config = world.config();
    let target = target(world, &one.connector);
    let who = match owner {
        Owner::Resident if config.engine.application_fallback => "Whoever creates a user in the Console, by import, \
                                                                  or through an application without provisioners of \
                                                                  its own"
            .to_owned(),
        Owner::Resident => "Whoever creates a user in the Console, by import or by the API".to_owned(),
        Owner::Application(id) => {
            let name = config.application(id).map_or_else(|| id.to_string(), |one| one.name.clone());
            format!("Whoever creates a user through {name}")
        }
    };
    let mut lines = vec![format!("{who} has an account made at {target}.")];
    lines.push(match (one.blocking, one.on_failure) {
        (false, _) => "The caller does not wait: the account is made in the background, and tried again until it is there.".to_owned(),
        (true, OnFailure::Reject) => "The caller waits. When the target refuses, the user is not created, and what was \
                                      already made elsewhere is taken away again."
            .to_owned(),
        (true, OnFailure::Accept) => "The caller waits. When the target refuses, the user stays, and the account is tried again.".to_owned(),
    });
    lines.push(if one.rules {
        "Rules are asked first: only what a policy permits is provisioned.".to_owned()
    } else {
        "Rules are not asked.".to_owned()
    });
    lines.push(if one.jit {
        "Users who come by Just-in-Time Provisioning are provisioned too.".to_owned()
    } else {
        "Users who come by Just-in-Time Provisioning are left out.".to_owned()
    });
    if let Some((connection, settings)) = config.connector(&one.connector) {
        if !connection.outbound_roles.is_empty() {
            let roles: Vec<&str> = connection
                .outbound_roles
                .iter()
                .map(domain::RoleName::as_str)
                .collect();
            lines.push(format!(
                "Only holders of {} are in scope.",
                roles.join(", ")
            ));
        }
        if !settings.enabled || !connection.enabled {
            lines.push(
                "! Nothing is sent as it is: the connector (or its connection) is disabled."
                    .to_owned(),
            );
        }
        if let Some(other) = same_target(world, config, one) {
            lines.push(format!(
                "! {other} writes to the same address and is provisioned as well: the second of them finds the account \
                 made already."
            ));
        }
    }
    lines
}

/// Says the same below a form, where there may not be room for all of it: what is to be warned of comes first.
fn meaning_below(world: &World, owner: &Owner, one: &Provisioner) -> Vec<String> {
    let mut lines = meaning(world, owner, one);
    lines.sort_by_key(|line| !line.starts_with('!'));
    lines
}

/// Finds another provisioner of the organization that writes to the very same place.
fn same_target(world: &World, config: &Configuration, one: &Provisioner) -> Option<String> {
    let kind = world.catalogue.of(&one.connector.kind)?;
    let (_, mine) = config.connector(&one.connector)?;
    let tells_apart = |key: &&str| {
        kind.target.address_settings.contains(key)
            || kind.field(key).is_some_and(|field| {
                field.required
                    && matches!(
                        field.kind,
                        FieldKind::Text | FieldKind::Domain | FieldKind::Email | FieldKind::Url
                    )
            })
    };
    let keys: Vec<&str> = kind
        .fields
        .iter()
        .map(|field| field.key)
        .filter(tells_apart)
        .collect();
    config
        .resident
        .iter()
        .filter(|other| {
            other.connector != one.connector && other.connector.kind == one.connector.kind
        })
        .find(|other| {
            config
                .connector(&other.connector)
                .is_some_and(|(_, theirs)| {
                    keys.iter()
                        .all(|key| match (mine.text(key), theirs.text(key)) {
                            (Some(mine), Some(theirs)) => mine == theirs,
                            _ => true,
                        })
                })
        })
        .map(|other| {
            config
                .connector(&other.connector)
                .map_or_else(String::new, |(connection, _)| connection.name.clone())
        })
}

/// Writes what people see with what the file says, where that differs.
fn named(name: &str, id: &str) -> String {
    if name == id {
        id.to_owned()
    } else {
        format!("{name} ({id})")
    }
}

fn connectors_of(world: &World, connection: &str) -> Vec<Choice> {
    world
        .config()
        .connections
        .iter()
        .filter(|one| one.id.0 == connection)
        .flat_map(|one| &one.connectors)
        .filter(|settings| settings.enabled)
        .map(|settings| {
            let label = world
                .catalogue
                .of(&settings.kind)
                .map_or(settings.kind.0.as_str(), |kind| kind.label);
            Choice::new(settings.kind.0.clone(), label)
        })
        .collect()
}

fn on_failure_choices() -> Vec<Choice> {
    vec![
        Choice::new("reject", "the change is not made"),
        Choice::new("accept", "the change stands, and it is tried again"),
    ]
}

/// Opens *New Provisioner*, or says why there is nothing to choose.
pub(crate) fn new_sheet(world: &World, panel: &'static str, owner: &Owner) -> Vec<Wish> {
    let connections: Vec<Choice> = world
        .config()
        .connections
        .iter()
        .filter(|one| one.enabled && one.connectors.iter().any(|settings| settings.enabled))
        .map(|one| Choice::new(one.id.0.clone(), named(&one.name, &one.id.0)))
        .collect();
    let listed = owner.list(world.config());
    let is_new = |choice: &&Choice| {
        let mut listed = listed.iter();
        listed.all(|one| one.connector.connection.0 != choice.value)
    };
    // Most likely one is meant that is not there yet.
    let first = connections.iter().find(is_new).or(connections.first());
    let Some(first) = first.map(|choice| choice.value.clone()) else {
        return vec![Wish::Fail(
            "no connection has an enabled connector; enable one under Connections first".to_owned(),
        )];
    };
    let mut fields = vec![
        Field::choice("connection", "Provisioning Connection", connections, &first)
            .required()
            .hint("Those with an enabled connector can be chosen. The id stands in brackets where it is not the name.")
            .in_file("connection, in [[…provisioners]], by its id"),
        Field::choice(
            "connector",
            "Provisioning Connector",
            connectors_of(world, &first),
            "",
        )
        .required()
        .hint("Those that are enabled can be chosen.")
        .in_file("connector, in [[…provisioners]], by its type"),
    ];
    fields.extend(flags(false, false, "reject", owner.jit_default()));
    let mut form = Form::new(
        fields,
        vec![
            Button::acts("finish", "Finish"),
            Button::leaves("cancel", "Cancel"),
        ],
    );
    let says = sheet_changed(world, owner, &mut form);
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel,
        id: "new".to_owned(),
        title: "Add Outbound Provisioner".to_owned(),
        note: "Nothing is written before Update".to_owned(),
        form,
        says,
    })))]
}

/// Returns the fields of what an entry can be told, new or not.
fn flags(rules: bool, blocking: bool, on_failure: &str, jit: bool) -> [Field; 4] {
    let choices = on_failure_choices();
    [
        Field::toggle("rules", "Enable Rules", rules)
            .hint("Provision according to the policies of [rules].")
            .in_file("rules, in [[…provisioners]]"),
        Field::toggle("blocking", "Blocking", blocking)
            .hint("Hold the flow until provisioning completes.")
            .in_file("blocking, in [[…provisioners]]"),
        Field::choice("on_failure", "On failure", choices, on_failure)
            .only_when("blocking", &["true"])
            .hint("What a target that refuses does to the local change.")
            .in_file("on_failure, in [[…provisioners]]"),
        Field::toggle("jit", "JIT Outbound", jit)
            .hint("Also provision users who arrive by JIT.")
            .in_file("jit, in [[…provisioners]]"),
    ]
}

/// What the id of the sheet of an entry begins with; the connector follows.
const EDIT: &str = "edit:";

/// Opens an entry for editing.
pub(crate) fn edit_sheet(
    world: &World,
    panel: &'static str,
    owner: &Owner,
    at: usize,
) -> Vec<Wish> {
    let Some(one) = owner.list(world.config()).get(at) else {
        return Vec::new();
    };
    let on_failure = if one.on_failure == OnFailure::Accept {
        "accept"
    } else {
        "reject"
    };
    let connector = one.connector.to_string();
    let mut fields = vec![Field::read_only("Provisioning Connector", &connector)];
    fields.extend(flags(one.rules, one.blocking, on_failure, one.jit));
    vec![Wish::Show(Box::new(Modal::Sheet(Sheet {
        panel,
        id: format!("{EDIT}{}", one.connector),
        title: format!("Provisioner {}", one.connector),
        note: String::new(),
        form: Form::new(
            fields,
            vec![
                Button::acts("update", "Finish"),
                Button::leaves("cancel", "Cancel"),
            ],
        ),
        says: meaning_below(world, owner, one),
    })))]
}

/// Follows what is filled in: the connectors of the chosen connection, and what it means.
pub(crate) fn sheet_changed(world: &World, owner: &Owner, form: &mut Form) -> Vec<String> {
    let connection = form.value("connection");
    if !connection.is_empty() {
        let options = connectors_of(world, &connection);
        if let Some(field) = form.field_mut("connector")
            && let crate::widgets::Input::Choice {
                options: present,
                at,
            } = &mut field.input
            && *present != options
        {
            *present = options;
            *at = 0;
        }
    }
    let connector = if connection.is_empty() {
        form.fields
            .first()
            .map(crate::widgets::Field::value)
            .and_then(|text| text.parse().ok())
    } else {
        Some(ConnectorRef::new(&connection, &form.value("connector")))
    };
    let Some(connector) = connector else {
        return Vec::new();
    };
    let one = Provisioner {
        connector,
        blocking: form.is_on("blocking"),
        rules: form.is_on("rules"),
        jit: form.is_on("jit"),
        on_failure: if form.value("on_failure") == "accept" {
            OnFailure::Accept
        } else {
            OnFailure::Reject
        },
        timeout: None,
        line: None,
    };
    let mut lines = meaning_below(world, owner, &one);
    if connection.is_empty() {
        return lines;
    }
    if owner.has(world, &one.connector) {
        lines.insert(0, "! This provisioner is there already.".to_owned());
    } else {
        // What was refused of another choice does not hold for this one.
        for key in ["connection", "connector"] {
            if let Some(field) = form.field_mut(key) {
                field.error = None;
            }
        }
    }
    lines
}

/// Makes the change that a sheet stands for.
pub(crate) fn submitted(world: &World, owner: &Owner, sheet: &str, form: &Form) -> Vec<Wish> {
    if let Some(connector) = sheet.strip_prefix(EDIT) {
        let mut entries = owner.list(world.config()).iter();
        let Some(one) = entries.find(|one| one.connector.to_string() == connector) else {
            let told =
                format!("{connector} is no provisioner here any more: somebody else removed it");
            return vec![Wish::Fail(told)];
        };
        let path = owner.path(&one.connector);
        let mut edit = Edit::new("");
        let mut words = Vec::new();
        for (key, label, before) in [
            ("rules", "Enable Rules", one.rules),
            ("blocking", "Blocking", one.blocking),
            ("jit", "JIT Outbound", one.jit),
        ] {
            let now = form.is_on(key);
            if now != before {
                edit = edit.set(format!("{path}.{key}"), now);
                words.push(format!("{label} {} to {}", on(before), on(now)));
            }
        }
        let before = if one.on_failure == OnFailure::Accept {
            "accept"
        } else {
            "reject"
        };
        let now = form.value("on_failure");
        if form.is_on("blocking") && (now != before || !one.blocking) {
            edit = edit.set(format!("{path}.on_failure"), now.as_str());
            words.push(format!("On failure {now}"));
        }
        edit.words = format!("{}: {}", one.connector, words.join(", "));
        return if edit.steps.is_empty() {
            Vec::new()
        } else {
            vec![Wish::Edit(edit)]
        };
    }
    let connection = form.value("connection");
    let connector = ConnectorRef::new(&connection, &form.value("connector"));
    if owner.has(world, &connector) {
        // The field that helps is the one where something is left to choose.
        let is_free = |choice: &Choice| {
            let other = ConnectorRef::new(&connection, &choice.value);
            !owner.has(world, &other)
        };
        let helps = if connectors_of(world, &connection).iter().any(is_free) {
            "connector"
        } else {
            "connection"
        };
        return vec![Wish::RefuseSheet {
            id: sheet.to_owned(),
            field: Some(helps.to_owned()),
            told: format!("{connector} is a provisioner here already; edit that one instead"),
        }];
    }
    let mut entries: Vec<(String, Value)> = vec![
        (
            "connection".to_owned(),
            connector.connection.0.as_str().into(),
        ),
        ("connector".to_owned(), connector.kind.0.as_str().into()),
    ];
    if form.is_on("rules") {
        entries.push(("rules".to_owned(), true.into()));
    }
    if form.is_on("blocking") {
        entries.push(("blocking".to_owned(), true.into()));
        entries.push(("on_failure".to_owned(), form.value("on_failure").into()));
    }
    if form.is_on("jit") != owner.jit_default() {
        entries.push(("jit".to_owned(), form.is_on("jit").into()));
    }
    let edit = Edit::new(format!("New Provisioner {connector}")).insert(owner.array(), entries);
    vec![Wish::Edit(edit), owner.made(&connector)]
}

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Asks before an entry is taken out; the connection's name must be typed, as in the Console.
pub(crate) fn delete(world: &World, owner: &Owner, at: usize) -> Vec<Wish> {
    let Some(one) = owner.list(world.config()).get(at) else {
        return Vec::new();
    };
    let name = world
        .config()
        .connection(&one.connector.connection)
        .map_or_else(
            || one.connector.connection.to_string(),
            |connection| connection.name.clone(),
        );
    let body = vec![
        format!(
            "{} is no provisioner here any more: it makes no new accounts. Those that exist stay, and their links keep \
             them up to date; disabling the connector ends that, too.",
            one.connector
        ),
        "It is written with Update.".to_owned(),
    ];
    let edit = Edit::new(format!("Delete provisioner {}", one.connector))
        .remove(owner.path(&one.connector));
    let answers = vec![("Delete", vec![Wish::Edit(edit)]), ("Cancel", Vec::new())];
    vec![Wish::Show(Box::new(Modal::Question(Question::new(
        "Are you sure?",
        body,
        Some(name),
        answers,
    ))))]
}
