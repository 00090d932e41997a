//! JSON and other bodies, highlighted line by line, so that a cut body or a large one costs no more than what is seen.

use domain::Body;

use crate::paint::{Line, Span};
use crate::theme::Theme;

/// Returns a body as lines: JSON is set out, everything else stays as it came.
pub(crate) fn body_lines(body: &Body) -> Vec<String> {
    if body.size_bytes == 0 && body.text.is_empty() {
        return Vec::new();
    }
    if body.is_forgotten() {
        return vec![format!("no longer kept; it had {} bytes", body.size_bytes)];
    }
    let pretty = serde_json::from_str::<serde_json::Value>(&body.text)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let mut lines: Vec<String> = pretty
        .as_deref()
        .unwrap_or(&body.text)
        .lines()
        .map(str::to_owned)
        .collect();
    if body.cut {
        lines.push(format!("… cut; {} bytes in all", body.size_bytes));
    }
    lines
}

/// Highlights one line of JSON; a line that is none comes out plain.
pub(crate) fn json_line(line: &str, theme: &Theme) -> Line {
    let mut spans = Line::new();
    let mut rest = line;
    let mut was_text = false;
    while let Some(first) = rest.chars().next() {
        let mut is_text = false;
        let (len, style) = if first == '"' {
            let len = string_len(rest);
            let is_key = rest[len..].trim_start().starts_with(':');
            (len, if is_key { theme.name } else { theme.good })
        } else if first.is_ascii_digit() || first == '-' {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
                .unwrap_or(rest.len());
            (end, theme.number)
        } else if let Some(word) = ["true", "false", "null"]
            .into_iter()
            .find(|word| rest.starts_with(word))
        {
            (word.len(), theme.number)
        } else {
            is_text = true;
            // A word, and what stands between it and the next one.
            let is_word = |c: char| c.is_ascii_alphanumeric();
            let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let next = rest[word..].find(|c: char| c == '"' || c == '-' || is_word(c));
            (next.map_or(rest.len(), |at| word + at), theme.text)
        };
        let len = len.max(first.len_utf8());
        match spans.last_mut().filter(|_| is_text && was_text) {
            // Text that is no JSON is one piece, so that it is wrapped at its blanks.
            Some(last) => last.text.push_str(&rest[..len]),
            None => spans.push(Span::new(&rest[..len], style)),
        }
        was_text = is_text;
        rest = &rest[len..];
    }
    spans
}

/// Returns the length of a quoted text at the start of a line; the rest of the line when it is not closed.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::theme::{Surroundings, ThemeName};

    fn theme() -> Theme {
        Theme::new(ThemeName::Dark, &Surroundings::default())
    }

    #[test]
    fn keys_texts_and_numbers_differ() {
        let theme = theme();
        let spans = json_line(r#"  "active": true, "n": [-1.5e3, "a\"b"]"#, &theme);
        let of = |text: &str| {
            spans
                .iter()
                .find(|span| span.text == text)
                .map(|span| span.style)
        };
        assert_eq!(of("\"active\""), Some(theme.name));
        assert_eq!(of("true"), Some(theme.number));
        assert_eq!(of("-1.5e3"), Some(theme.number));
        assert_eq!(of(r#""a\"b""#), Some(theme.good));
    }

    #[test]
    fn text_that_is_no_json_is_one_piece() {
        let theme = theme();
        let of = |line: &str| -> Vec<String> {
            let spans = json_line(line, &theme).into_iter();
            spans.map(|span| span.text).collect()
        };
        assert_eq!(of("the zoë service, is down"), ["the zoë service, is down"]);
        assert_eq!(of("error 400 of it"), ["error ", "400", " of it"]);
    }

    proptest! {
        #[test]
        fn no_letter_is_lost_whatever_the_line_holds(line in "\\PC{0,80}") {
            let joined: String = json_line(&line, &theme()).into_iter().map(|span| span.text).collect();
            prop_assert_eq!(joined, line);
        }
    }
}
