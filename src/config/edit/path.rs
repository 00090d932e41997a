//! How an edit names its place: `connections[id=acme-google].connectors[type=scim2].enabled`.

/// One key, and which entry of an array is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) key: String,
    pub(super) select: Option<Select>,
}

/// Which entry of an array is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Select {
    /// `[2]`, from 0.
    Index(usize),
    /// `[connection=acme-google,connector=google]`: the entry with these texts.
    Where(Vec<(String, String)>),
}

/// Reads a path. Keys are separated by dots; a text with `,`, `]` or quotes in it is quoted.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let key = rest[..end].trim().to_owned();
        if key.is_empty()
            || !key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        {
            return Err(format!("`{key}` is no key"));
        }
        rest = &rest[end..];
        let select = match rest.strip_prefix('[') {
            Some(inner) => {
                let (select, after) = select(inner)?;
                rest = after;
                Some(select)
            }
            None => None,
        };
        steps.push(Step { key, select });
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Ok(steps),
            None => return Err(format!("`{rest}` follows where `.` was expected")),
        }
    }
}

fn select(text: &str) -> Result<(Select, &str), String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    if digits > 0 && text[digits..].starts_with(']') {
        let index = text[..digits]
            .parse()
            .map_err(|_| "the index is too large")?;
        return Ok((Select::Index(index), &text[digits + 1..]));
    }
    let mut conditions = Vec::new();
    let mut rest = text;
    loop {
        let (key, after) = rest
            .split_once('=')
            .ok_or("a condition is written key=text")?;
        let (value, after) = word(after)?;
        conditions.push((key.trim().to_owned(), value));
        match after.split_at_checked(1) {
            Some((",", after)) => rest = after,
            Some(("]", after)) => return Ok((Select::Where(conditions), after)),
            _ => return Err("`]` is missing".to_owned()),
        }
    }
}

fn word(text: &str) -> Result<(String, &str), String> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (word, after) = quoted.split_once('"').ok_or("a quote is not closed")?;
        return Ok((word.to_owned(), after));
    }
    let end = text.find([',', ']']).ok_or("`]` is missing")?;
    Ok((text[..end].trim().to_owned(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_indexes_and_conditions_are_read() {
        let steps = parse("resident.provisioners[connection=a.b,connector=\"x,]\"].jit").unwrap();
        assert_eq!(steps.len(), 3);
        let conditions = vec![
            ("connection".to_owned(), "a.b".to_owned()),
            ("connector".to_owned(), "x,]".to_owned()),
        ];
        assert_eq!(steps[1].select, Some(Select::Where(conditions)));
        assert_eq!(parse("a[12]").unwrap()[0].select, Some(Select::Index(12)));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            ".",
            "a.",
            "a..b",
            "a[",
            "a[x",
            "a[x=1",
            "a[x=\"1]",
            "a]b",
            "a b",
            "a[1]b",
            "a[99999999999999999999]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
