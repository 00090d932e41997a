//! The one list of connector types. Forms, TOML keys, lint, JSON Schema and documents are made from it.

use domain::Catalogue;

use crate::google::target::GOOGLE;
use crate::salesforce::target::SALESFORCE;
use crate::scim2::target::SCIM2;

/// The connector types that exist.
pub static CATALOGUE: Catalogue = Catalogue(&[GOOGLE, SALESFORCE, SCIM2]);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{Fallback, FieldKind, MappedFrom, NameRule, PasswordRule, StartsFrom};

    use super::*;

    #[test]
    fn every_name_of_a_setting_is_unique_within_its_type() {
        for entry in CATALOGUE.0 {
            let mut names = BTreeSet::new();
            for field in entry.fields {
                assert!(names.insert(field.key), "{} twice", field.key);
                if let Some(key) = field.wso2_key {
                    assert!(names.insert(key), "{key} twice");
                }
                assert!(
                    !field.label.is_empty() && field.hint.ends_with('.'),
                    "{}",
                    field.key
                );
            }
        }
    }

    #[test]
    fn everything_that_names_a_setting_names_one_that_exists() {
        for entry in CATALOGUE.0 {
            let target = &entry.target;
            let mut named: Vec<&str> = target.address_settings.to_vec();
            match target.name {
                NameRule::Pattern {
                    pattern,
                    separator,
                    domain,
                } => named.extend([pattern, separator, domain]),
                NameRule::UserName { store_domain } => named.push(store_domain),
            }
            if let PasswordRule::Provisioned { enabled, default } = target.password {
                named.extend([enabled, default]);
            }
            for mapping in target.default_mappings {
                if let MappedFrom::Setting(setting) = mapping.from {
                    named.push(setting);
                }
                if let Fallback::Setting(setting) = mapping.fallback {
                    named.push(setting);
                }
            }
            named.extend(
                entry
                    .fields
                    .iter()
                    .filter_map(|field| field.only_when)
                    .map(|(key, _)| key),
            );
            for key in named {
                assert!(
                    entry.field(key).is_some(),
                    "{} has no setting {key}",
                    entry.kind
                );
            }
        }
    }

    #[test]
    fn what_a_target_requires_is_mapped_by_itself_or_offered_to_the_connection() {
        for entry in CATALOGUE.0 {
            let target = &entry.target;
            for remote in target.required {
                let mapped = target.default_mappings.iter().map(|one| one.remote);
                let offered = target.starters.iter().map(|one| one.remote);
                let mut provided = mapped.chain(offered).chain([target.name_attribute]);
                assert!(
                    provided.any(|one| one == *remote),
                    "{}: {remote}",
                    entry.kind
                );
            }
            for starter in target.starters {
                assert!(
                    !target.reserved.contains(&starter.remote),
                    "{}",
                    starter.remote
                );
                if let StartsFrom::Asked(hint) = starter.from {
                    assert!(hint.ends_with('.'), "{hint}");
                }
            }
        }
    }

    #[test]
    fn a_default_is_one_of_the_choices() {
        for field in CATALOGUE.0.iter().flat_map(|entry| entry.fields) {
            match (field.kind, field.default) {
                (FieldKind::Choice(words), Some(default)) => assert!(words.contains(&default)),
                (FieldKind::Flag, Some(default)) => assert!(default.parse::<bool>().is_ok()),
                (kind, default) => assert!(!kind.is_secret() || default.is_none()),
            }
        }
    }

    #[test]
    fn a_type_answers_to_its_wso2_name() {
        assert_eq!(
            CATALOGUE.find("googleapps").map(|entry| entry.kind),
            Some("google")
        );
        assert_eq!(
            CATALOGUE.find("SCIM2").map(|entry| entry.kind),
            Some("scim2")
        );
    }
}
