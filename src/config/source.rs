//! The text of the file: byte offsets to lines and columns, and lines that can be shown without a secret in them.

use std::ops::Range;

use domain::visible;

use crate::finding::{Finding, Problem};

const MASK: &str = "••••";
/// A line longer than this is shown around the place that is meant.
const WIDEST: usize = 160;

/// The text with its shown name and the ranges that must not be shown.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    starts: Vec<usize>,
    masks: Vec<Range<usize>>,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let mut masks = secret_lines(text);
        masks.extend(credentials_in_urls(text));
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            starts,
            masks,
        }
    }

    /// Hides more ranges.
    pub(crate) fn hide(&mut self, masks: Vec<Range<usize>>) {
        self.masks.extend(masks);
    }

    /// Returns line and column (in characters), both from 1.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.clamp(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let column = self.text[self.starts[line - 1]..offset].chars().count() + 1;
        (line, column)
    }

    /// Returns the line, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.position(offset).0
    }

    /// Makes a problem readable.
    pub(crate) fn finding(&self, problem: Problem) -> Finding {
        let (line, column) = self.position(problem.span.start);
        let start = self.clamp(problem.span.start);
        let range = self.line_range(line);
        let end = self
            .clamp(problem.span.end)
            .clamp(start, range.end.max(start));
        let (source_line, underline) = excerpt(&self.shown(range, start..end));
        Finding {
            severity: problem.severity,
            code: problem.code,
            file: self.name.clone(),
            line,
            column,
            offending: self.shown(start..end, 0..0).text.into_iter().collect(),
            message: visible(&problem.message).into_owned(),
            fix: visible(&problem.fix).into_owned(),
            did_you_mean: problem.did_you_mean.map(|word| visible(&word).into_owned()),
            source_line,
            underline,
        }
    }

    /// Returns every line as it may be shown.
    pub(crate) fn lines(&self) -> Vec<String> {
        (1..=self.starts.len())
            .map(|line| {
                self.shown(self.line_range(line), 0..0)
                    .text
                    .into_iter()
                    .collect()
            })
            .collect()
    }

    fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.starts[line - 1];
        let end = self
            .starts
            .get(line)
            .map_or(self.text.len(), |next| next - 1);
        start..start + self.text[start..end].trim_end_matches('\r').len()
    }

    /// Returns a piece of the text with secrets masked and control characters made visible.
    fn shown(&self, range: Range<usize>, meant: Range<usize>) -> Shown {
        let mut shown = Shown::default();
        let mut last_mask = None;
        for (at, c) in self.text[range.clone()].char_indices() {
            let at = at + range.start;
            let mask = self.masks.iter().any(|mask| mask.contains(&at));
            let from = shown.text.len();
            match (mask, last_mask) {
                (true, None) => {
                    shown.text.extend(MASK.chars());
                    last_mask = Some(from);
                }
                (true, Some(_)) => {}
                (false, _) => {
                    last_mask = None;
                    let c = if c == '\t' { ' ' } else { c };
                    shown
                        .text
                        .extend(visible(c.encode_utf8(&mut [0; 4])).chars());
                }
            }
            if at < meant.start {
                shown.meant = shown.text.len()..shown.text.len();
            } else if at < meant.end {
                // A mask stands for all of what it hides, wherever the meant piece begins in it.
                shown.meant.start = shown.meant.start.min(last_mask.unwrap_or(from));
                shown.meant.end = shown.text.len();
            }
        }
        shown
    }

    fn clamp(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// A piece of text as it may be shown, and the characters in it that are meant.
#[derive(Default)]
struct Shown {
    text: Vec<char>,
    meant: Range<usize>,
}

/// Cuts a long line to a width around what is meant.
fn excerpt(line: &Shown) -> (String, Range<usize>) {
    let (text, meant) = (&line.text, &line.meant);
    if text.len() <= WIDEST {
        return (text.iter().collect(), meant.clone());
    }
    let from = meant.start.saturating_sub(WIDEST / 4);
    let to = text.len().min(from + WIDEST);
    let cut: String = text[from..to].iter().collect();
    let (before, after) = (
        if from > 0 { "…" } else { "" },
        if to < text.len() { "…" } else { "" },
    );
    let start = meant.start - from + before.chars().count();
    let length = meant.len().min(to - meant.start);
    (format!("{before}{cut}{after}"), start..start + length)
}

/// Finds texts after keys that sound secret, line by line, so that even a file that is no TOML shows none of them.
fn secret_lines(text: &str) -> Vec<Range<usize>> {
    let mut masks = Vec::new();
    let mut closing: Option<&str> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let mut from = 0;
        if let Some(quote) = closing {
            let close = line.find(quote);
            masks.push(start..close.map_or(end, |at| start + at));
            from = close.map_or(line.len(), |at| at + quote.len());
            closing = closing.filter(|_| close.is_none());
        }
        for (equals, _) in line.match_indices('=').filter(|(at, _)| *at >= from) {
            let value = line[equals + 1..].trim_start();
            let opens = value.starts_with(['"', '\'']);
            if !sounds_secret(last_word(&line[from..equals])) || !opens {
                continue;
            }
            let quote_at = line.len() - line[equals + 1..].trim_start().len();
            masks.push(start + quote_at..start + line.trim_end().len());
            // Nothing says that the third byte begins a letter.
            let quote = value.get(..3).unwrap_or(value);
            if (quote == "\"\"\"" || quote == "'''") && !value[3..].contains(quote) {
                closing = Some(if quote == "'''" { "'''" } else { "\"\"\"" });
            }
            break;
        }
        start = end;
    }
    masks
}

fn last_word(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    let start = text
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
        .map_or(0, |at| {
            at + text[at..].chars().next().map_or(1, char::len_utf8)
        });
    &text[start..]
}

fn sounds_secret(key: &str) -> bool {
    const SOUNDS: [&str; 8] = [
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "private",
        "credential",
        "key",
    ];
    const HARMLESS: [&str; 4] = ["endpoint", "-ep", "header", "url"];
    let key = key.to_ascii_lowercase();
    SOUNDS.iter().any(|sound| key.contains(sound)) && !HARMLESS.iter().any(|end| key.ends_with(end))
}

/// Finds `user:password@` in addresses.
fn credentials_in_urls(text: &str) -> Vec<Range<usize>> {
    text.match_indices("://")
        .filter_map(|(at, _)| {
            let start = at + 3;
            let rest = &text[start..];
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\''));
            let at_sign = rest[..end.unwrap_or(rest.len())].rfind('@')?;
            Some(start..start + at_sign)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new("x", "a\nzoë = 1\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position("a\nzoë ".len()), (2, 5));
        assert_eq!(source.position(9999), (3, 1));
    }

    #[test]
    fn a_long_line_is_shown_around_what_is_meant() {
        let text = format!("{}MEANT{}", "a".repeat(500), "b".repeat(500));
        let finding = Source::new("x", &text).finding(Problem::error("x", 500..505, "", ""));
        let meant: String = finding.source_line.chars().collect::<Vec<_>>()
            [finding.underline.clone()]
        .iter()
        .collect();
        assert_eq!((meant.as_str(), finding.column), ("MEANT", 501));
        assert!(finding.source_line.chars().count() <= WIDEST + 2);
    }

    #[test]
    fn what_sounds_secret_is_hidden_even_when_the_file_is_no_toml() {
        for text in [
            "password = \"canary",
            "x = { access_token = 'canary' }",
            "scim2-password = \"\"\"\ncanary\nmore canary\"\"\"\n",
            "client_secret=\"canary\" # canary",
            "token_endpoint = \"http://me:canary@host/\"",
            // The third byte of the value is the middle of a letter.
            "password = \"aécanary\"",
            "password = \"日canary\"",
            "password = \"日",
        ] {
            let source = Source::new("x", text);
            let shown = source.lines().join("\n");
            assert!(shown.contains(MASK) && !shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for text in [
            "token_endpoint = \"http://x/\"",
            "name = \"a token\"",
            "value = \"UTF-8\"",
            "password = { env = \"NAME\" }",
        ] {
            let source = Source::new("x", text);
            assert_eq!(source.lines(), [text]);
        }
    }
}
