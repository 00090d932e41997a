//! The forms that targets demand of names and values, as far as their documents state them.
//!
//! Only what a target refuses for certain is a fault here: what no document states, the target judges.

/// The form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Any,
    /// Something of the form of an address: a local part, `@`, and a host name with a dot in it.
    Address,
    /// An address whose local part is held to rules of its own.
    Mailbox {
        /// ASCII characters that the local part never holds.
        forbidden: &'static str,
        /// The most characters of the local part.
        most: usize,
        /// Local parts that nobody gets, in lower case.
        reserved: &'static [&'static str],
    },
}

impl Form {
    /// Says what is wrong with a text, in words that follow a colon; `None` when it has the form.
    pub fn fault(self, text: &str) -> Option<String> {
        match self {
            Self::Any => None,
            Self::Address => address(text).err(),
            Self::Mailbox {
                forbidden,
                most,
                reserved,
            } => address(text)
                .and_then(|local| mailbox(local, forbidden, most, reserved))
                .err(),
        }
    }
}

/// Returns the local part of an address.
fn address(text: &str) -> Result<&str, String> {
    let (local, host) = text
        .rsplit_once('@')
        .ok_or("it has not the form of an address: there is no @")?;
    if local.is_empty() {
        return Err("it has not the form of an address: nothing stands before the @".to_owned());
    }
    if let Some(odd) = text.chars().find(|c| !may_stand_in_an_address(*c)) {
        return Err(format!("an address holds no {}", shown(odd)));
    }
    let is_host = host.contains('.') && host.split('.').all(|label| !label.is_empty());
    if !is_host {
        return Err(format!(
            "it has not the form of an address: `{host}` is no host name with a dot in it"
        ));
    }
    Ok(local)
}

/// Letters of other alphabets may stand in an address (RFC 6531); pictures, blanks and quotes are in none that a target takes.
fn may_stand_in_an_address(c: char) -> bool {
    c.is_alphanumeric() || c.is_ascii_graphic() && !"<>(),;:\\\"[]".contains(c)
}

fn mailbox(local: &str, forbidden: &str, most: usize, reserved: &[&str]) -> Result<(), String> {
    if let Some(odd) = local
        .chars()
        .find(|c| !c.is_ascii() || forbidden.contains(*c))
    {
        return Err(format!("{} is not taken before the @", shown(odd)));
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err("dots before the @ stand neither first, nor last, nor side by side".to_owned());
    }
    let length = local.chars().count();
    if length > most {
        return Err(format!(
            "at most {most} characters stand before the @, not {length}"
        ));
    }
    if reserved.contains(&local.to_lowercase().as_str()) {
        return Err(format!("the target keeps `{local}` for itself"));
    }
    Ok(())
}

fn shown(c: char) -> String {
    if c == ' ' {
        return "blank".to_owned();
    }
    format!("`{}`", crate::visible(c.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAILBOX: Form = Form::Mailbox {
        forbidden: "&=+",
        most: 8,
        reserved: &["abuse"],
    };

    #[test]
    fn an_address_has_a_local_part_and_a_host_with_a_dot() {
        for good in [
            "kim@acme.example",
            "k@b.c",
            "k.i+m@acme.example",
            "zoë@acme.example",
            "a@b@acme.example",
        ] {
            assert_eq!(Form::Address.fault(good), None, "{good}");
        }
        for (bad, told) in [
            ("kim", "no @"),
            ("@acme.example", "before the @"),
            ("kim@acme", "`acme` is no host name"),
            ("kim@acme..example", "no host name"),
            ("kim@", "no host name"),
            ("k im@acme.example", "no blank"),
            ("zo🙂@acme.example", "no `🙂`"),
            ("o\"b@acme.example", "no `\"`"),
            ("k\u{1b}@acme.example", "no `␛`"),
            ("k\u{202e}@acme.example", "no `<U+202E>`"),
        ] {
            let fault = Form::Address.fault(bad).unwrap_or_default();
            assert!(fault.contains(told), "{bad}: {fault}");
        }
    }

    #[test]
    fn a_mailbox_is_an_address_with_rules_of_its_own() {
        for good in [
            "kim@acme.example",
            "k.i_m-1@acme.example",
            "-'%@acme.example",
        ] {
            assert_eq!(MAILBOX.fault(good), None, "{good}");
        }
        for (bad, told) in [
            ("zoë@acme.example", "`ë` is not taken"),
            ("a+b@acme.example", "`+` is not taken"),
            (".kim@acme.example", "dots"),
            ("kim.@acme.example", "dots"),
            ("k..m@acme.example", "dots"),
            ("ninechars@acme.example", "at most 8 characters"),
            ("Abuse@acme.example", "for itself"),
            ("kim", "no @"),
        ] {
            let fault = MAILBOX.fault(bad).unwrap_or_default();
            assert!(fault.contains(told), "{bad}: {fault}");
        }
    }

    #[test]
    fn any_text_is_any_text() {
        assert_eq!(Form::Any.fault(""), None);
        assert_eq!(Form::Any.fault("zoë 🙂"), None);
    }
}
