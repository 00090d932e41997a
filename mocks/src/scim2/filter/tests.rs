//! What is printed is what is read.

use proptest::{collection::vec, prelude::*};

use super::{Comparison, Filter, Literal, Operator, parse, parse_path};
use crate::scim2::path::AttributePath;

fn name() -> impl Strategy<Value = AttributePath> {
    let urn = prop_oneof![
        Just(None),
        Just(Some(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".to_owned()
        )),
        Just(Some("urn:example:thing:1".to_owned()))
    ];
    // `not` before a parenthesis is the word, so no attribute is called so here.
    let word = "[a-zA-Z][a-zA-Z0-9_-]{0,8}".prop_filter("a word of the language", |word| {
        !["not", "and", "or"].contains(&word.to_lowercase().as_str())
    });
    (
        urn,
        word,
        proptest::option::of("[$]?[a-zA-Z][a-zA-Z0-9]{0,5}"),
    )
        .prop_map(|(urn, name, sub)| AttributePath { urn, name, sub })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::Text),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    proptest::sample::select(Operator::ALL.to_vec())
}

fn filter() -> impl Strategy<Value = Filter> {
    let test = (name(), operator(), literal())
        .prop_map(|(name, operator, value)| Filter::Test(name, operator, value));
    let leaf = prop_oneof![name().prop_map(Filter::Present), test];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let behind = prop_oneof![
            Just(None),
            Just(Some(("value".to_owned(), Comparison::Present))),
            (operator(), literal()).prop_map(|(operator, value)| Some((
                "type".to_owned(),
                Comparison::Test(operator, value)
            ))),
        ];
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Filter::And),
            vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.clone().prop_map(|inner| Filter::Not(Box::new(inner))),
            (name(), inner, behind).prop_map(|(name, inner, behind)| Filter::Values {
                name: AttributePath { sub: None, ..name },
                inner: Box::new(inner),
                behind
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_printed_filter_is_read_as_it_was(filter in filter()) {
        let text = filter.to_string();
        prop_assert_eq!(parse(&text, false), Ok(filter), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        let _ = parse(&text, true);
        let _ = parse_path(&text);
    }
}

#[test]
fn and_binds_tighter_than_or() {
    let read = |text: &str| parse(text, false).unwrap().to_string();
    assert_eq!(read("a pr or b pr and c pr"), "a pr or b pr and c pr");
    assert_eq!(
        read("(a pr or b pr) AND not(c pr)"),
        "(a pr or b pr) and not (c pr)"
    );
    assert!(
        matches!(parse("a pr or b pr and c pr", false), Ok(Filter::Or(parts)) if parts.len() == 2)
    );
}

#[test]
fn a_path_is_a_name_a_selection_or_a_part_of_one() {
    let path = parse_path("emails[type eq \"work\"].value").unwrap();
    assert_eq!(
        (path.name.name.as_str(), path.sub.as_deref()),
        ("emails", Some("value"))
    );
    let path =
        parse_path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value")
            .unwrap();
    assert_eq!(
        (path.name.name.as_str(), path.name.sub.as_deref()),
        ("manager", Some("value"))
    );
    let whole = parse_path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User").unwrap();
    assert!(whole.name.name.is_empty());
    for wrong in [
        "",
        "emails[",
        "emails[type eq \"x\"",
        "a b",
        "a.b.c",
        "1a",
        "emails[type pr]value",
        "name.x[a pr]",
    ] {
        assert!(parse_path(wrong).is_err(), "{wrong}");
    }
}
