//! Random conversations with every mock. The fuzz targets in `mocks/fuzz` hold the same ones; here they run on stable.
//! `PROPTEST_CASES` makes it longer.

use std::sync::OnceLock;

use outbound_mocks::{
    fault::FaultSpec,
    google::Google,
    probe::Probed,
    quota::QuotaSpec,
    salesforce::Salesforce,
    scim2::{Personality, Scim2},
};
use proptest::prelude::*;

fn conversation() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..1200)
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
