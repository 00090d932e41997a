//! Mistakes in policies are found when they are compiled, each with its place.

use decide::{Policies, PolicyError};
use domain::{OnDeny, PolicyText, Rules};

fn compile(texts: &[&str]) -> Result<Policies, Vec<PolicyError>> {
    let policies = texts
        .iter()
        .map(|text| PolicyText {
            from: "rules/a.cedar".to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    Policies::compile(&Rules {
        policies,
        on_deny: OnDeny::Keep,
    })
}

fn only_error(text: &str) -> PolicyError {
    let mut errors = compile(&[text]).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.remove(0)
}

#[test]
fn a_syntax_error_has_its_line_and_column() {
    let error =
        only_error("permit(principal, action, resource);\npermit(principal action, resource);");
    assert_eq!((error.line, error.column), (2, 18), "{error}");
    assert_eq!(error.from, "rules/a.cedar");
    assert_eq!(error.offending, "action");
}

#[test]
fn an_action_that_does_not_exist_suggests_one_that_does() {
    let error = only_error("permit(principal, action == Action::\"crate\", resource);");
    assert_eq!(error.line, 1);
    assert!(error.cause.contains("crate"), "{error}");
    assert!(
        error.help.as_deref().unwrap_or_default().contains("create"),
        "{error:?}"
    );
}

#[test]
fn an_attribute_that_does_not_exist_suggests_one_that_does() {
    let error =
        only_error("permit(principal, action, resource)\nwhen { principal.stor == \"PRIMARY\" };");
    assert_eq!((error.line, error.column), (2, 8), "{error}");
    assert!(
        error.help.as_deref().unwrap_or_default().contains("store"),
        "{error:?}"
    );
}

#[test]
fn a_comparison_of_unlike_types_is_an_error() {
    assert!(
        compile(&["permit(principal, action, resource) when { principal.claims.age == 7 };"])
            .is_err()
    );
}

#[test]
fn a_template_is_refused() {
    let error = only_error("permit(principal == ?principal, action, resource);");
    assert!(error.cause.contains("slot"), "{error}");
}

#[test]
fn the_same_id_twice_is_refused_and_every_text_is_checked() {
    let policy = "@id(\"a\") permit(principal, action, resource);";
    let errors = compile(&[policy, policy, "permit("]).unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(errors[0].cause.contains("two policies have the id a"));
}

#[test]
fn claims_are_whatever_the_directory_holds() {
    let texts = [
        "permit(principal, action, resource) when { principal.claims has badge && principal.claims.badge like \"A*\" };",
        "forbid(principal, action, resource) unless { principal.claims[\"urn:x:y\"] == \"z\" };",
    ];
    if let Err(errors) = compile(&texts) {
        panic!("{errors:#?}");
    }
}
