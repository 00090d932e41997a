//! Holds random conversations with the salesforce mock: `cargo +nightly fuzz run salesforce` in `mocks/`.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use outbound_mocks::{probe::Probed, salesforce::Salesforce};

static PROBED: OnceLock<Probed<Salesforce>> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    PROBED.get_or_init(Probed::new).converse(bytes);
});
