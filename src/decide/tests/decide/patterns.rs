//! Every example row of the pattern table, and what makes a pattern unusable.

use decide::pattern::{DEFAULT_SEPARATOR, Pattern, PatternProblem, Token, remote_name};

fn name(
    pattern: &str,
    separator: &str,
    user: &str,
    td: &str,
    idp: &str,
    domain: Option<&str>,
) -> String {
    let pattern = Pattern::parse(pattern).unwrap();
    remote_name(&pattern, separator, &user.into(), td, idp, domain)
}

#[test]
fn a_blank_pattern_and_separator_mean_the_user_name_in_the_domain() {
    let made = remote_name(
        &Pattern::default(),
        DEFAULT_SEPARATOR,
        &"alice".into(),
        "carbon.super",
        "google",
        Some("corp.io"),
    );
    assert_eq!(made, "alice@corp.io");
}

#[test]
fn a_name_that_already_ends_with_the_domain_is_only_lower_cased() {
    assert_eq!(
        name("{UN}", "_", "Alice@Corp.io", "x", "y", Some("corp.io")),
        "alice@corp.io"
    );
}

#[test]
fn a_name_of_another_domain_loses_its_at_sign() {
    assert_eq!(
        name("{UN}", "_", "bob@gmail.com", "x", "y", Some("corp.io")),
        "bob.gmail.com@corp.io"
    );
}

#[test]
fn all_tokens_join_in_order_without_a_domain() {
    assert_eq!(
        name(
            "{UD, UN, TD, IDP}",
            "-",
            "user@provisioning.com",
            "carbon.super",
            "salesforce",
            None
        ),
        "primary-user@provisioning.com-carbon.super-salesforce"
    );
}

#[test]
fn all_tokens_join_in_order_with_a_domain() {
    assert_eq!(
        name(
            "{UD, UN, TD, IDP}",
            "-",
            "user@provisioning.com",
            "carbon.super",
            "salesforce",
            Some("primary.com")
        ),
        "primary-user.provisioning.com-carbon.super-salesforce@primary.com"
    );
}

#[test]
fn the_whole_result_is_lower_cased() {
    assert_eq!(
        name(
            "{UN,TD}",
            "_",
            "testUser",
            "TestTenant.com",
            "y",
            Some("testmail.com")
        ),
        "testuser_testtenant.com@testmail.com"
    );
}

#[test]
fn a_dot_separator_is_a_dot_and_keeps_the_store() {
    // WSO2 reads the separator as a regular expression and gets `kim@corp.io`; ours is literal.
    assert_eq!(
        name("{UD,UN}", ".", "SALES/kim", "x", "y", Some("corp.io")),
        "sales.kim@corp.io"
    );
}

#[test]
fn separators_that_are_no_regular_expression_work() {
    // WSO2 fails on these.
    for separator in ["+", "*", "("] {
        assert_eq!(
            name("{UN,TD}", separator, "kim", "carbon.super", "y", None),
            format!("kim{separator}carbon.super")
        );
    }
}

#[test]
fn the_separator_is_taken_out_of_the_connection_name() {
    assert_eq!(
        name("{UN,IDP}", "-", "kim", "x", "my-google", None),
        "kim-mygoogle"
    );
}

#[test]
fn the_user_name_keeps_the_separator() {
    assert_eq!(
        name("{UN,TD}", "-", "kim-lee", "a-b", "y", None),
        "kim-lee-ab"
    );
}

#[test]
fn a_pattern_without_braces_is_invalid() {
    let error = Pattern::parse("UN").unwrap_err();
    assert_eq!((error.position, error.problem), (1, PatternProblem::Braces));
}

#[test]
fn an_unknown_token_is_invalid_and_named_with_its_position() {
    let error = Pattern::parse("{UN,FOO}").unwrap_err();
    assert_eq!(error.position, 5);
    assert_eq!(error.to_string(), "unknown token FOO at character 5");
}

#[test]
fn a_token_that_is_nearly_right_is_suggested() {
    let error = Pattern::parse("{ud, UN}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown token ud, did you mean UD? at character 2"
    );
}

#[test]
fn what_is_not_one_pair_of_braces_is_invalid_where_it_goes_wrong() {
    for (text, position) in [
        ("x{UN}", 1),
        ("{UN", 4),
        ("{UN}x", 5),
        ("{UN}{TD}", 5),
        ("{UN{", 4),
        ("", 1),
        ("  é", 3),
    ] {
        let error = Pattern::parse(text).unwrap_err();
        assert_eq!(
            (error.position, error.problem),
            (position, PatternProblem::Braces),
            "{text}"
        );
    }
}

#[test]
fn an_empty_body_is_invalid() {
    for text in ["{}", "{ , }"] {
        let error = Pattern::parse(text).unwrap_err();
        assert_eq!(
            (error.position, error.problem),
            (2, PatternProblem::Empty),
            "{text}"
        );
    }
}

#[test]
fn blanks_around_tokens_are_skipped_and_the_pattern_reads_back() {
    let pattern = Pattern::parse(" { UD ,, UN } ").unwrap();
    assert_eq!(pattern.tokens(), [Token::UserDomain, Token::UserName]);
    assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
}
