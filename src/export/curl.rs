//! One exchange as a `curl` command line that can be pasted into a shell.

use std::fmt::Write as _;

use domain::Exchange;

/// Writes the request as a `curl` command. Masked secrets stay masked: fill them in before running it.
pub fn curl(exchange: &Exchange) -> String {
    let mut out = format!(
        "curl -i -X {} {}",
        shell_word(&exchange.method),
        shell_word(&exchange.url)
    );
    for header in &exchange.request_headers {
        if matches!(
            header.name.as_str(),
            "host" | "content-length" | "accept-encoding"
        ) {
            continue; // curl sets these itself
        }
        let _ = write!(
            out,
            " \\\n  -H {}",
            shell_word(&format!("{}: {}", header.name, header.value))
        );
    }
    if !exchange.request_body.text.is_empty() {
        let _ = write!(
            out,
            " \\\n  --data-raw {}",
            shell_word(&exchange.request_body.text)
        );
    }
    if exchange.request_body.is_forgotten() {
        let _ = write!(
            out,
            "\n# the body is no longer kept: {} bytes",
            exchange.request_body.size_bytes
        );
    } else if exchange.request_body.cut {
        let _ = write!(
            out,
            "\n# the body was cut: {} bytes in all",
            exchange.request_body.size_bytes
        );
    }
    out
}

/// Quotes one word for a POSIX shell. Control characters are written with `$'…'`, so that none reaches the terminal.
fn shell_word(text: &str) -> String {
    if !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,?&".contains(c))
        && !text.contains(['?', '&'])
    {
        return text.to_owned();
    }
    if text
        .chars()
        .any(|c| domain::visible(c.encode_utf8(&mut [0; 4])).len() != c.len_utf8())
    {
        let mut out = String::from("$'");
        for c in text.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\'' => out.push_str("\\'"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                    let _ = write!(out, "\\x{:02x}", u32::from(c));
                }
                c if domain::visible(c.encode_utf8(&mut [0; 4])).len() != c.len_utf8() => {
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('\'');
        return out;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_so_that_a_shell_gives_them_back() {
        for text in [
            "plain",
            "",
            "it's",
            "a b",
            "{\"x\":1}",
            "ünï",
            "tab\there",
            "esc\u{1b}[2J",
            "bidi\u{202e}x",
            "a?b&c",
        ] {
            let output = std::process::Command::new("bash")
                .args([
                    "-c",
                    &format!("LC_ALL=C.UTF-8; printf %s {}", shell_word(text)),
                ])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
            assert!(!shell_word(text).contains('\u{1b}'));
        }
    }
}
