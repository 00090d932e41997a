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
        let line_range = self.line_range(line);
        let end = self
            .clamp(problem.span.end)
            .clamp(start, line_range.end.max(start));
        let (before, _) = self.shown(line_range.start..start);
        let (offending, _) = self.shown(start..end);
        let (after, _) = self.shown(end..line_range.end.max(end));
        let (source_line, underline) = excerpt(&before, &offending, &after);
        Finding {
            severity: problem.severity,
            code: problem.code,
            file: self.name.clone(),
            line,
            column,
            offending,
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
            .map(|line| self.shown(self.line_range(line)).0)
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

    /// Returns a piece of the text with secrets masked and control characters made visible, and whether it was masked.
    fn shown(&self, range: Range<usize>) -> (String, bool) {
        let mut out = String::new();
        let mut hidden = false;
        let mut masked = false;
        for (at, c) in self.text[range.clone()].char_indices() {
            let at = at + range.start;
            let hide = self.masks.iter().any(|mask| mask.contains(&at));
            if hide && !hidden {
                out.push_str(MASK);
            } else if !hide {
                out.push(if c == '\t' { ' ' } else { c });
            }
            masked |= hide;
            hidden = hide;
        }
        (visible(&out).into_owned(), masked)
    }

    fn clamp(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// Joins the three pieces of a line, cut to a width around the middle one.
fn excerpt(before: &str, meant: &str, after: &str) -> (String, Range<usize>) {
    let (lead, mark) = (before.chars().count(), meant.chars().count());
    let whole: Vec<char> = before
        .chars()
        .chain(meant.chars())
        .chain(after.chars())
        .collect();
    if whole.len() <= WIDEST {
        return (whole.iter().collect(), lead..lead + mark);
    }
    let from = lead.saturating_sub(WIDEST / 4);
    let to = whole.len().min(from + WIDEST);
    let cut: String = whole[from..to].iter().collect();
    let start = lead - from;
    let text = format!("…{cut}{}", if to < whole.len() { "…" } else { "" });
    (text, start + 1..(start + 1 + mark).min(WIDEST))
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
            match line.find(quote) {
                Some(at) => {
                    masks.push(start..start + at);
                    from = at + quote.len();
                    closing = None;
                }
                None => {
                    masks.push(start..end);
                    from = line.len();
                }
            }
        }
        for (equals, _) in line.match_indices('=').filter(|(at, _)| *at >= from) {
            let value = line[equals + 1..].trim_start();
            let opens = value.starts_with(['"', '\'']);
            if !sounds_secret(last_word(&line[from..equals])) || !opens {
                continue;
            }
            masks.push(start + equals + 1..start + line.trim_end().len());
            let quote = &value[..3.min(value.len())];
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
    fn what_sounds_secret_is_hidden_even_when_the_file_is_no_toml() {
        for text in [
            "password = \"canary",
            "x = { access_token = 'canary' }",
            "scim2-password = \"\"\"\ncanary\nmore canary\"\"\"\n",
            "client_secret=\"canary\" # canary",
            "token_endpoint = \"http://me:canary@host/\"",
        ] {
            let source = Source::new("x", text);
            let (shown, masked) = source.shown(0..text.len());
            assert!(masked && !shown.contains("canary"), "{shown}");
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
            assert_eq!(source.shown(0..text.len()), (text.to_owned(), false));
        }
    }
}
