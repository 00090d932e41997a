//! What a tab of a connection says as text.

use std::cell::RefCell;
use std::time::SystemTime;

use domain::{Connection, ConnectorSettings, JitScheme};

use super::{Connections, Tab};
use crate::paint::{Line, Span, cells};
use crate::world::World;

pub(super) fn pair(world: &World, label: &str, value: impl Into<String>) -> Line {
    // What is longer than its column is told from its value by a colon.
    let label = if cells(label) > LABELS {
        format!("{label}: ")
    } else {
        format!("{label:<LABELS$} ")
    };
    vec![
        Span::new(label, world.theme.dim),
        Span::new(value, world.theme.text),
    ]
}

/// The cells of the labels' column.
const LABELS: usize = 31;

pub(super) fn yes(on: bool) -> &'static str {
    if on { "[x]" } else { "[ ]" }
}

/// Says what a tab shows as text.
pub(super) fn lines(
    world: &World,
    one: &Connection,
    tab: Tab,
    read: &RefCell<Option<Read>>,
) -> Vec<Line> {
    let theme = world.theme;
    match tab {
        Tab::General => {
            let mut lines = vec![
                pair(world, "Name", &one.name),
                pair(world, "Description", &one.description),
                pair(world, "Id (links hang on it)", one.id.to_string()),
                pair(world, "Enabled", yes(one.enabled)),
            ];
            if let Some(login) = &one.login {
                lines.push(pair(
                    world,
                    "Login",
                    format!("{:?}", login.protocol).to_lowercase(),
                ));
                lines.push(pair(
                    world,
                    "Client ID",
                    login.client_id.clone().unwrap_or_default(),
                ));
                let secret = login
                    .client_secret
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), ToString::to_string);
                lines.push(pair(world, "Client secret", secret));
            }
            let used = Connections::users_of(world, one);
            lines.push(Line::new());
            lines.push(vec![Span::new("Used by", theme.title)]);
            if used.is_empty() {
                lines.push(vec![Span::new(" nobody", theme.dim)]);
            }
            lines.extend(
                used.into_iter()
                    .map(|line| vec![Span::new(format!(" {line}"), theme.text)]),
            );
            lines
        }
        Tab::Attributes => unmapped(world, one),
        Tab::Roles => vec![vec![Span::new(
            "No outbound provisioning roles: every user is in scope. e chooses roles; then only their holders are, and \
             assigning or revoking one provisions or deprovisions.",
            theme.dim,
        )]],
        Tab::Jit => vec![
            pair(
                world,
                "Just-in-Time (JIT) User Provisioning",
                yes(one.jit.enabled),
            ),
            pair(
                world,
                "User store domain to always provision users",
                one.jit.user_store.to_string(),
            ),
            pair(world, "Provisioning scheme", scheme_label(one.jit.scheme)),
            pair(
                world,
                "Enable local account linking",
                yes(one.jit.associate_local_user),
            ),
            pair(
                world,
                "Skip user provisioning when no local account is found",
                yes(one.jit.skip_when_not_found),
            ),
            pair(world, "Attribute synchronization method", sync_label(one)),
            pair(
                world,
                "Override existing roles with external IDP group roles",
                yes(one.jit.override_roles),
            ),
        ],
        Tab::Raw => raw(world, one, read),
        Tab::Outbound => Vec::new(),
    }
}

/// Says what holds where a connection maps nothing: not every target has defaults of its own.
fn unmapped(world: &World, one: &Connection) -> Vec<Line> {
    let theme = world.theme;
    let mut lines = vec![vec![Span::new(
        "No attribute mappings. n adds one.",
        theme.dim,
    )]];
    let connectors = one.connectors.iter();
    for kind in connectors.filter_map(|settings| world.catalogue.of(&settings.kind)) {
        let spec = &kind.target;
        let own: Vec<&str> = spec.default_mappings.iter().map(|one| one.remote).collect();
        let has = |name: &str| {
            let mut provided = own.iter().chain(std::iter::once(&spec.name_attribute));
            provided.any(|one| one.eq_ignore_ascii_case(name))
        };
        let missing: Vec<&str> = spec
            .required
            .iter()
            .copied()
            .filter(|name| !has(name))
            .collect();
        let label = kind.label;
        let (text, style) = match (missing.join(", "), own.join(", ")) {
            (missing, _) if !missing.is_empty() => (
                format!("! {label} refuses every user until these are mapped: {missing}."),
                theme.warn,
            ),
            (_, own) if own.is_empty() => (
                format!("{label} is sent the name and nothing else."),
                theme.text,
            ),
            (_, own) => (format!("{label} has defaults for {own}."), theme.text),
        };
        lines.push(vec![Span::new(text, style)]);
    }
    lines
}

pub(super) fn scheme_label(scheme: JitScheme) -> &'static str {
    match scheme {
        JitScheme::PromptUsernamePasswordConsent => "Prompt for username, password and consent",
        JitScheme::PromptPasswordConsent => "Prompt for password and consent",
        JitScheme::PromptConsent => "Prompt for consent",
        JitScheme::ProvisionSilently => "Provision silently",
    }
}

pub(super) fn scheme_word(scheme: JitScheme) -> &'static str {
    match scheme {
        JitScheme::PromptUsernamePasswordConsent => "prompt-username-password-consent",
        JitScheme::PromptPasswordConsent => "prompt-password-consent",
        JitScheme::PromptConsent => "prompt-consent",
        JitScheme::ProvisionSilently => "provision-silently",
    }
}

pub(super) fn sync_word(one: &Connection) -> &'static str {
    match one.jit.attribute_sync {
        domain::AttributeSync::OverrideAll => "override-all",
        domain::AttributeSync::None => "none",
        domain::AttributeSync::PreserveLocal => "preserve-local",
    }
}

fn sync_label(one: &Connection) -> &'static str {
    match one.jit.attribute_sync {
        domain::AttributeSync::OverrideAll => "Override all",
        domain::AttributeSync::None => "None",
        domain::AttributeSync::PreserveLocal => "Preserve local",
    }
}

/// The lines of the file as they were read last, secrets masked: reading and parsing all of it for each key would be felt.
pub(super) struct Read {
    of: Version,
    lines: Vec<String>,
}

/// What the lines were read from.
#[derive(PartialEq)]
enum Version {
    /// The text of a draft.
    Draft(String),
    /// The file as it was changed last, and how long it was then.
    File(Option<SystemTime>, u64),
}

impl Read {
    /// Reads the lines, unless they are those that are known already.
    fn of(world: &World, known: Option<Self>) -> std::io::Result<Self> {
        let of = if let Some(draft) = &world.draft {
            Version::Draft(draft.document().text().to_owned())
        } else {
            let data = std::fs::metadata(&world.file)?;
            Version::File(data.modified().ok(), data.len())
        };
        if let Some(known) = known.filter(|known| known.of == of) {
            return Ok(known);
        }
        let lines = match &of {
            Version::Draft(text) => config::readable(text, &world.catalogue),
            Version::File(..) => {
                config::readable(&std::fs::read_to_string(&world.file)?, &world.catalogue)
            }
        };
        Ok(Self { of, lines })
    }
}

/// Returns the lines of the file about one connection, secrets masked.
fn raw(world: &World, one: &Connection, known: &RefCell<Option<Read>>) -> Vec<Line> {
    let mut known = known.borrow_mut();
    let read = match Read::of(world, known.take()) {
        Ok(read) => known.insert(read),
        Err(error) => {
            return vec![vec![Span::new(
                format!("cannot read the file: {error}"),
                world.theme.bad,
            )]];
        }
    };
    let lines = &read.lines;
    let start = one.line.map_or(0, |line| line.saturating_sub(1));
    let mut shown: Vec<(usize, &String)> = lines
        .iter()
        .enumerate()
        .skip(start)
        .take_while(|(at, line)| {
            let line = line.trim_start();
            *at == start
                || !line.starts_with('[')
                || line.trim_start_matches('[').starts_with("connections.")
        })
        .collect();
    // Comments right below belong to it; what stands further below is about what follows.
    let says = |line: &str| !line.is_empty() && !line.starts_with('#');
    let last = shown.iter().rposition(|(_, line)| says(line.trim()));
    let end = last.map_or(0, |last| last + 1);
    let below = shown[end..].iter();
    let remarks = below
        .take_while(|(_, line)| !line.trim().is_empty())
        .count();
    shown.truncate(end + remarks);
    shown
        .into_iter()
        .map(|(at, line)| {
            let style = if line.trim_start().starts_with('#') {
                world.theme.dim
            } else if line.trim_start().starts_with('[') {
                world.theme.name
            } else {
                world.theme.text
            };
            vec![
                Span::new(format!("{:>4} ", at + 1), world.theme.dim),
                Span::new(line.clone(), style),
            ]
        })
        .collect()
}

/// Says how a connector is configured; secrets as references.
pub(super) fn connector_lines(world: &World, settings: &ConnectorSettings) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(kind) = world.catalogue.of(&settings.kind) {
        for field in kind.fields {
            let value = match settings.settings.get(field.key) {
                Some(domain::Setting::Text(text)) => text.clone(),
                Some(domain::Setting::Flag(on)) => yes(*on).to_owned(),
                Some(domain::Setting::List(list)) => list.join(", "),
                Some(domain::Setting::Secret(reference)) => match reference {
                    domain::SecretRef::Inline(_) => "•••••••• (in the file itself)".to_owned(),
                    other => format!("•••••••• ({other})"),
                },
                None => match field.default {
                    Some(default) => format!("{default} (default)"),
                    None => continue,
                },
            };
            lines.push(pair(world, field.label, value));
        }
    }
    lines.push(pair(
        world,
        "Deprovision",
        match settings.deprovision {
            domain::Deprovision::Delete => "delete the account",
            domain::Deprovision::Deactivate => "deactivate the account",
        },
    ));
    lines.push(pair(
        world,
        "On existing",
        match settings.on_existing {
            domain::OnExisting::Fail => "leave it alone, and say so",
            domain::OnExisting::Adopt => "take it over",
        },
    ));
    lines
}
