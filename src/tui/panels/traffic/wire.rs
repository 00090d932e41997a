//! The request and the response of one exchange, as lines.

use ratatui::layout::Rect;

use super::mark::is_same_field;
use crate::paint::{Line, Span, cells};
use crate::stream::{Row, What};
use crate::widgets::{body_lines, in_rows, json_line};
use crate::world::World;

pub(super) fn wire(world: &World, row: &Row, field: Option<&str>) -> Vec<Line> {
    let theme = world.theme;
    let Some(exchange) = row.exchange() else {
        return nothing(row, world);
    };
    let mut lines = vec![vec![
        Span::new(exchange.method.clone(), theme.title),
        Span::new(format!(" {}", exchange.url), theme.text),
    ]];
    headers(&mut lines, &exchange.request_headers, world);
    body(&mut lines, &exchange.request_body, field, world);
    lines.push(Line::new());
    match (&exchange.response, &exchange.error) {
        (Some(response), error) => {
            lines.push(vec![
                Span::new(
                    response.status.to_string(),
                    theme.status(Some(response.status)),
                ),
                Span::new(format!("  {} ms", exchange.took.as_millis()), theme.dim),
            ]);
            headers(&mut lines, &response.headers, world);
            body(&mut lines, &response.body, field, world);
            if let Some(error) = error {
                lines.push(vec![Span::new(error.clone(), theme.bad)]);
            }
        }
        (None, Some(error)) => {
            lines.push(vec![Span::new(format!("no answer: {error}"), theme.bad)]);
        }
        (None, None) => lines.push(vec![Span::new("under way …", theme.dim)]),
    }
    lines
}

/// Cuts what takes more than half a page into its rows: the text moves a line at a time, and nobody would come to the end of
/// a body that is one line without an end.
pub(super) fn scrollable(lines: Vec<Line>, area: Rect) -> Vec<Line> {
    let half = usize::from(area.width) * usize::from(area.height) / 2;
    let taken = |line: &Line| line.iter().map(|span| cells(&span.text)).sum::<usize>();
    let rows = lines.into_iter().flat_map(|line| {
        if taken(&line) > half {
            in_rows(&line, area.width)
        } else {
            vec![line]
        }
    });
    rows.collect()
}

/// Says that nothing went over the wire, and why.
fn nothing(row: &Row, world: &World) -> Vec<Line> {
    let theme = world.theme;
    let mut lines = vec![vec![Span::new("Nothing was sent.", theme.title)]];
    if let What::Nothing(reason, detail) = &row.what {
        let why = [
            (reason.sentence().to_owned(), theme.text),
            (format!("{reason}: {detail}"), theme.warn),
            (format!("do: {}", reason.fix()), theme.text),
        ];
        lines.extend(why.map(|(text, style)| vec![Span::new(text, style)]));
    }
    if let Some(death) = row.death() {
        lines.push(vec![Span::new(death.told.clone(), theme.bad)]);
        lines.push(vec![Span::new(format!("do: {}", death.advice), theme.text)]);
    }
    lines
}

pub(super) fn headers(lines: &mut Vec<Line>, headers: &[domain::Header], world: &World) {
    for header in headers {
        lines.push(vec![
            Span::new(format!("{}: ", header.name), world.theme.name),
            Span::new(header.value.clone(), world.theme.text),
        ]);
    }
}

pub(super) fn body(lines: &mut Vec<Line>, body: &domain::Body, field: Option<&str>, world: &World) {
    let text = body_lines(body);
    if !text.is_empty() {
        lines.push(Line::new());
    }
    for line in text {
        let key = line
            .trim_start()
            .strip_prefix('"')
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default();
        let mut spans = json_line(&line, &world.theme);
        if !key.is_empty() && is_same_field(field, key) {
            for span in &mut spans {
                span.style = span.style.patch(world.theme.mark);
            }
        }
        lines.push(spans);
    }
}
