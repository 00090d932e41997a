use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> FaultSpec {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    text.parse::<FaultSpec>().expect_err(text).to_string()
}

#[test]
fn a_specification_reads_as_it_is_meant() {
    let spec = parsed("drop-after:op=users.insert,subject=kim,times=1,nth=2");
    assert_eq!(spec.effect, Effect::DropAfter { reset: false });
    assert_eq!(spec.on.operation.as_deref(), Some("users.insert"));
    assert_eq!(spec.on.subject.as_deref(), Some("kim"));
    assert_eq!(spec.on.nth, Some(2..=2));
    assert_eq!(spec.times, Times::Count(1));
    assert_eq!(
        parsed("latency: delay = 100ms..2s , chance=0.2,target=google").effect,
        Effect::Latency(Duration::from_millis(100), Duration::from_secs(2))
    );
    assert_eq!(
        parsed("user-rate:rate=10/60").effect,
        Effect::UserRate(Throttle {
            retry_after: Duration::from_secs(1),
            rate: Some("10/60".parse().unwrap())
        })
    );
    assert_eq!(
        parsed(r#"reset:subject="Doe, \"Kim\"""#)
            .on
            .subject
            .as_deref(),
        Some(r#"Doe, "Kim""#)
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_each_by_its_setting() {
    let text = "latency:delay=soon,op=users.insrt,subject=\"Doe, Kim\",times=0,chance=0.5";
    let wrong = FaultSpec::mistakes(text, Target::Google);
    let settings: Vec<Option<&str>> = wrong.iter().map(SpecError::setting).collect();
    assert_eq!(settings, [Some("delay"), Some("op"), Some("times")]);
    assert!(
        wrong[1]
            .to_string()
            .contains("did you mean `users.insert`?")
    );
    assert!(FaultSpec::mistakes("reset:times=2", Target::Google).is_empty());
    assert!(FaultSpec::mistakes("reset", Target::Google).is_empty());
}

#[test]
fn what_is_written_wrong_is_named_with_what_would_be_right() {
    assert!(refused("drop-afer").contains("did you mean `drop-after`?"));
    assert!(refused("explode").starts_with("no fault is called `explode`; there are latency, "));
    assert!(refused("drop-after:opp=x").contains("did you mean `op`?"));
    assert!(
        refused("reset:delay=1s")
            .contains("`reset` knows no setting `delay`; it knows target, op, ")
    );
    assert!(refused("latency:delay=250").contains("a time with its unit is expected"));
    assert!(refused("status:code=200").contains("400 to 599"));
    assert!(refused("reset:times=0").contains("a number from 1 or `always`"));
    assert!(refused("reset:nth=5..2").contains("backwards"));
    assert!(refused("reset:chance=2").contains("0 to 1"));
    assert!(refused("reset:times").contains("is no `key=value`"));
    assert!(refused("reset:times=1,times=2").contains("given twice"));
    assert!(refused("lag:for=1s,requests=2").contains("either"));
    assert!(refused("reset:target=gogle").contains("did you mean `google`?"));
}

#[test]
fn an_operation_that_no_mock_knows_is_refused_with_those_that_there_are() {
    let told = |text: &str| parsed(text).check().expect_err(text).to_string();
    let crate_ = told("drop-after:op=Users.crate");
    assert!(
        crate_.starts_with(
            "`op=Users.crate` in `drop-after`: there is no such operation, did you mean `Users.create`?; scim2 knows token, "
        ) && !crate_.contains("google knows"),
        "{crate_}"
    );
    let nothing = told("reset:op=frobnicate");
    for list in [
        "google knows token, batch, users.insert",
        "; salesforce knows token, ",
        "; scim2 knows ",
    ] {
        assert!(nothing.contains(list), "{nothing}");
    }
    // Known to another mock is not known to this one; one of several is enough to be refused.
    assert!(told("reset:target=google,op=Users.create").contains("google knows"));
    assert!(told("reset:op=users.insert|Users.crate").contains("`op=Users.crate`"));
    assert!(
        told("reset:target=scim2,op=users.insert*").contains("scim2 knows") // a pattern, too
    );
    for good in [
        "reset",
        "reset:op=USERS.*|token",
        "reset:target=salesforce,op=User.create",
        "reset:op=*",
    ] {
        parsed(good).check().unwrap();
    }
    let elsewhere = parsed("reset:target=google").check_at(&[crate::Target::Scim2]);
    assert!(matches!(elsewhere, Err(SpecError::OtherTarget { .. })));
}

#[test]
fn a_scenario_may_write_text_or_a_table() {
    #[derive(Deserialize)]
    struct Scenario {
        faults: Vec<FaultSpec>,
    }
    let text = "faults = ['drop-after:nth=2', { fault = 'drop-after', nth = 2 }, { fault = 'lag', requests = 3, writes = true }]";
    let scenario: Scenario = toml::from_str(text).unwrap();
    assert_eq!(scenario.faults[0], scenario.faults[1]);
    assert_eq!(scenario.faults[2], parsed("lag:requests=3,writes=yes"));
    let wrong = toml::from_str::<Scenario>("faults = [{ fault = 'lagg' }]")
        .err()
        .unwrap();
    assert!(wrong.to_string().contains("did you mean `lag`?"), "{wrong}");
}

#[test]
fn globs_match_without_case_and_know_or() {
    for (pattern, text, fits) in [
        ("users.insert", "Users.Insert", true),
        ("users.*", "users.insert", true),
        ("*.insert|*.create", "User.create", true),
        ("*", "", true),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "acb", false),
        ("a*a", "a", false),
        ("", "x", false),
    ] {
        assert_eq!(glob(pattern, text), fits, "{pattern} on {text}");
    }
}

#[test]
fn tokens_and_discovery_are_hit_by_name_only() {
    let operation = |name, kind| Operation {
        name,
        subject: None,
        kind,
    };
    let any = parsed("drop-after").on;
    assert!(any.fits(&operation("users.get", Kind::Read), &Method::GET));
    assert!(!any.fits(&operation("token", Kind::Token), &Method::POST));
    assert!(
        parsed("drop-after:op=token")
            .on
            .fits(&operation("token", Kind::Token), &Method::POST)
    );
    assert!(
        parsed("drop-after:kind=token|meta")
            .on
            .fits(&operation("schemas", Kind::Meta), &Method::GET)
    );
    assert!(
        !parsed("drop-after:method=post")
            .on
            .fits(&operation("users.get", Kind::Read), &Method::GET)
    );
}

#[test]
fn what_is_wrong_is_told_with_the_setting_that_it_is_about() {
    for (text, setting) in [
        ("latency:delay=soon", Some("delay")),
        ("status:code=200", Some("code")),
        ("drop-after:times=never", Some("times")),
        ("drop-after:tmies=1", Some("tmies")),
        ("drop-after:op=a,op=b", Some("op")),
        ("drop-aftr", None),
        ("drop-after:once", None),
    ] {
        let error = text.parse::<FaultSpec>().unwrap_err();
        assert_eq!(error.setting(), setting, "{error}");
    }
    let unknown = parsed("drop-after:op=Users.crate").check().unwrap_err();
    assert_eq!(unknown.setting(), Some("op"));
}

#[test]
fn a_subject_is_a_name_its_local_part_or_a_pattern() {
    let kim = parsed("reset:subject=kim").on;
    assert!(
        kim.fits_subject("Kim@acme.example")
            && kim.fits_subject("kim")
            && !kim.fits_subject("kimberly@acme.example")
    );
    assert!(
        parsed("reset:subject=kim*")
            .on
            .fits_subject("kimberly@acme.example")
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in ".{0,80}") {
        let _ = text.parse::<FaultSpec>();
    }

    #[test]
    fn a_specification_reads_back_as_it_was_written(
        name in prop::sample::select(names()),
        subject in prop::option::of("[a-z ,\"\\\\@*]{1,12}"),
        nth in prop::option::of(1_u64..9),
        times in prop::option::of(1_u64..9),
        chance in prop::option::of(0.0..1.0_f64),
    ) {
        let mut spec = parsed(name);
        spec.on.subject = subject;
        spec.on.nth = nth.map(|nth| nth..=nth + 2);
        spec.times = times.map_or(Times::Always, Times::Count);
        spec.chance = chance.unwrap_or(1.0);
        let written = spec.to_string();
        prop_assert_eq!(written.parse::<FaultSpec>().unwrap(), spec, "{}", written);
    }
}
