//! Text from outside is data: what a terminal would obey is made visible.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns the text with every character that could drive a terminal shown as a mark.
///
/// C0 controls become their Unicode pictures (`ESC` is `␛`), DEL `␡`, C1 controls, bidi controls and zero-width
/// characters `<U+XXXX>`. Newline and tab are marked as well: whoever wants lines splits before calling.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Nearly all text is plain ASCII, and is looked through many bytes at a time.
    let is_plain = text
        .bytes()
        .fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte));
    if is_plain || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0'..='\u{1f}' => {
                out.push(
                    char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
                );
            }
            '\u{7f}' => out.push('␡'),
            c if is_hidden(c) => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c)); // writing to a string cannot fail
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Returns the first character that [`visible`] would mark: in a name, nobody could see it.
pub fn hidden(text: &str) -> Option<char> {
    text.chars().find(|c| is_hidden(*c))
}

/// Controls, bidi controls, and format characters without a width of their own.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_bidi_and_c1_are_marked_and_names_are_left_alone() {
        assert_eq!(visible("a\u{1b}[2Jb"), "a␛[2Jb");
        assert_eq!(visible("x\u{202e}y\u{9b}"), "x<U+202E>y<U+009B>");
        assert_eq!(visible("Zoë 🙂 \"q\""), "Zoë 🙂 \"q\"");
    }

    #[test]
    fn what_nobody_could_see_in_a_name_is_found() {
        for (text, found) in [
            ("A\u{1b}[31m", '\u{1b}'),
            ("a\tb", '\t'),
            ("pay\u{202e}lap", '\u{202e}'),
            ("ad\u{200b}min", '\u{200b}'),
            ("ad\u{ad}min", '\u{ad}'),
            ("x\u{e0041}", '\u{e0041}'),
        ] {
            assert_eq!(hidden(text), Some(found), "{text:?}");
            assert_ne!(visible(text), text);
        }
        for text in ["", "Zoë 日本 🙂", "O'Brien & Søn, 2nd (HR)"] {
            assert_eq!(hidden(text), None, "{text}");
        }
    }
}
