//! Random conversations with every mock. The fuzz targets in `mocks/fuzz` hold the same ones; here they run on stable.
//! `PROPTEST_CASES` makes it longer.

use std::sync::OnceLock;

use outbound_mocks::{
    fault::FaultSpec,
    google::Google,
    probe::{Probe, Probed},
    quota::QuotaSpec,
    salesforce::Salesforce,
    scim2::{Personality, Scim2},
};
use proptest::prelude::*;

fn conversation() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..1200)
}

/// A conversation that is refused at the door shows nothing; enough of them must come in.
fn share_of_success<V: Probe>() -> f64 {
    let probed = Probed::<V>::new();
    let mut seed = 1_u64;
    let (mut conversations, mut successes) = (0.0, 0.0);
    for _ in 0..300 {
        let bytes: Vec<u8> = (0..800)
            .map(|_| {
                // Knuth's multiplier: any even spread of bytes will do.
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                seed.to_be_bytes()[0]
            })
            .collect();
        conversations += 1.0;
        successes += f64::from(u8::from(probed.converse(&bytes) > 0));
    }
    successes / conversations
}

#[test]
fn random_conversations_come_past_the_door() {
    let shares = [
        share_of_success::<Google>(),
        share_of_success::<Salesforce>(),
        share_of_success::<Scim2>(),
    ];
    assert!(shares.iter().all(|share| *share > 0.3), "{shares:?}");
}

proptest! {
    #[test]
    fn google_survives_any_conversation(bytes in conversation()) {
        static PROBED: OnceLock<Probed<Google>> = OnceLock::new();
        PROBED.get_or_init(Probed::new).converse(&bytes);
    }

    #[test]
    fn salesforce_survives_any_conversation(bytes in conversation()) {
        static PROBED: OnceLock<Probed<Salesforce>> = OnceLock::new();
        PROBED.get_or_init(Probed::new).converse(&bytes);
    }

    #[test]
    fn scim2_survives_any_conversation(bytes in conversation()) {
        static PROBED: OnceLock<Probed<Scim2>> = OnceLock::new();
        PROBED.get_or_init(Probed::new).converse(&bytes);
    }

    #[test]
    fn what_a_user_writes_is_read_or_refused(text in ".{0,200}") {
        let _ = text.parse::<FaultSpec>();
        let _ = text.parse::<QuotaSpec>();
        let _ = Personality::from_toml(&text);
    }
}
