//! What *Update* would do, said before it is done.

use std::sync::atomic::{AtomicBool, Ordering};

use config::edit::Document;
use config::{Finding, LintOptions, Loaded};
use domain::{Catalogue, Configuration, QualifiedName};
use engine::Reader;

use super::read::LIST;
use crate::draft::{Review, affected};
use crate::screen::told;

/// Says what saving a document would do: the lines it writes, what is doubtful, and who is affected; nothing when it is
/// `unwanted` before everybody was looked at.
pub(super) fn review(
    document: &Document,
    before: &Configuration,
    after: &Configuration,
    reader: &Reader,
    catalogue: &Catalogue,
    unwanted: &AtomicBool,
) -> Option<Review> {
    let mut review = Review {
        of: document.stamp(),
        diff: document.diff(),
        ..Review::default()
    };
    match document.check() {
        Ok(loaded) => {
            let before = document.check_before();
            let before = before.map_or_else(|_| Vec::new(), |loaded| doubts(&loaded, catalogue));
            let (new, older) = brought(doubts(&loaded, catalogue), &before);
            review.warnings = new.iter().map(warning).collect();
            review.older = older;
        }
        Err(error) => review.errors.push(told(&error)),
    }
    let mut failed = None;
    let mut after_name: Option<QualifiedName> = None;
    let mut page = Vec::new().into_iter();
    let users = std::iter::from_fn(|| {
        loop {
            if unwanted.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(user) = page.next() {
                let user: domain::User = user;
                after_name = Some(user.name.clone());
                let links = reader
                    .links_of(domain::LocalRef::User(user.id))
                    .unwrap_or_default();
                return Some((user, links));
            }
            match reader.users(after_name.as_ref(), LIST) {
                Ok(users) if users.is_empty() => return None,
                Ok(users) => page = users.into_iter(),
                Err(error) => {
                    failed = Some(told(&error));
                    return None;
                }
            }
        }
    });
    match affected(catalogue, before, after, users) {
        Ok((targets, count)) => {
            review.affected = targets;
            review.users = count;
        }
        Err(error) => review.errors.push(error),
    }
    review.errors.extend(failed);
    (!unwanted.load(Ordering::Relaxed)).then_some(review)
}

/// Returns everything that is doubtful about a file.
fn doubts(loaded: &Loaded, catalogue: &Catalogue) -> Vec<Finding> {
    let found = config::lint(loaded, catalogue, LintOptions::default());
    loaded.warnings.iter().cloned().chain(found).collect()
}

/// Parts what changes bring from what was there before them, which is only counted. Lines move, so a finding is known by
/// what it says.
fn brought(now: Vec<Finding>, before: &[Finding]) -> (Vec<Finding>, usize) {
    let mut known: Vec<(&str, &str)> = before
        .iter()
        .map(|one| (one.code, one.message.as_str()))
        .collect();
    let all = now.len();
    let mut new = now;
    new.retain(|one| {
        let said = (one.code, one.message.as_str());
        let at = known.iter().position(|known| *known == said);
        at.map(|at| known.swap_remove(at)).is_none()
    });
    let older = all - new.len();
    (new, older)
}

fn warning(one: &Finding) -> String {
    format!(
        "{} ({}:{})\n  do: {}",
        one.message, one.code, one.line, one.fix
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::TOML;

    fn found(text: &str) -> Vec<Finding> {
        let base = std::path::Path::new("../..");
        let loaded = config::parse(text, "workbench.toml", base, &connectors::CATALOGUE).unwrap();
        doubts(&loaded, &connectors::CATALOGUE)
    }

    #[test]
    fn what_changes_bring_is_told_apart_from_what_was_there() {
        let before = TOML.replacen("\"v62.0\"", "\"62.0\"", 1);
        let after = before.replacen("\"Internal/manager\"", "\"manager\"", 1);
        let after = format!("# one line more\n{after}");
        let (new, older) = brought(found(&after), &found(&before));
        assert_eq!(older, 1);
        let [new] = &new[..] else { panic!("{new:?}") };
        let told = warning(new);
        assert!(
            told.contains("(role-unqualified:")
                && told.contains("\n  do: write \"Internal/manager\""),
            "{told}"
        );
        let (new, older) = brought(found(TOML), &found(&before));
        assert!(new.is_empty() && older == 0, "{new:?}");
    }
}
