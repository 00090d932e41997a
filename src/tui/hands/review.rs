//! What *Update* would do, said before it is done.

use config::edit::Document;
use config::{LintOptions, Severity};
use domain::{Catalogue, Configuration, QualifiedName};
use engine::Reader;

use super::read::LIST;
use crate::draft::{Review, affected};
use crate::screen::told;

/// Says what saving a document would do: the lines it writes, what is doubtful, and who is affected.
pub(super) fn review(
    document: &Document,
    before: &Configuration,
    after: &Configuration,
    reader: &Reader,
    catalogue: &Catalogue,
) -> Review {
    let mut review = Review {
        of: document.stamp(),
        diff: document.diff(),
        ..Review::default()
    };
    match document.check() {
        Ok(loaded) => {
            let findings = config::lint(&loaded, catalogue, LintOptions::default());
            review.warnings = findings
                .iter()
                .filter(|finding| finding.severity == Severity::Warning)
                .map(|finding| format!("{} ({}:{})", finding.message, finding.code, finding.line))
                .collect();
        }
        Err(error) => review.errors.push(told(&error)),
    }
    let mut failed = None;
    let mut after_name: Option<QualifiedName> = None;
    let mut page = Vec::new().into_iter();
    let users = std::iter::from_fn(|| {
        loop {
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
    review
}
