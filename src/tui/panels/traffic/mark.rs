//! The selected field, found again in why, wire and target.

use domain::ExchangeId;

use crate::paint::{Line, Span};
use crate::why::WhyLine;
use crate::world::World;

/// Marks the line of the selected exchange and the selected field.
pub(super) fn marked(
    line: WhyLine,
    here: Option<ExchangeId>,
    field: Option<&str>,
    world: &World,
) -> Line {
    let is_field = line
        .field
        .as_deref()
        .is_some_and(|name| is_same_field(field, name));
    let mut spans = line.line;
    if is_field {
        for span in &mut spans {
            span.style = span.style.patch(world.theme.mark);
        }
    } else if line.exchange.is_some() && line.exchange == here {
        spans.push(Span::new(
            if world.theme.ascii { "  <" } else { "  ◂" },
            world.theme.focus,
        ));
    }
    spans
}

/// Tells whether two names mean the same attribute: `name.givenName`, `givenName` and `emails[0].value` at their ends.
pub(super) fn is_same_field(selected: Option<&str>, name: &str) -> bool {
    let Some(selected) = selected else {
        return false;
    };
    let root = |text: &str| {
        text.split(['.', '['])
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    let leaf = |text: &str| {
        text.rsplit(['.', ':'])
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    selected.eq_ignore_ascii_case(name)
        || leaf(selected) == leaf(name) && leaf(name) != "value"
        || root(selected) == name.to_lowercase()
}
