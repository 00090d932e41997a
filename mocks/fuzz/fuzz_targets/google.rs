//! Holds random conversations with the google mock: `cargo +nightly fuzz run google` in `mocks/`.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use outbound_mocks::{google::Google, probe::Probed};

static PROBED: OnceLock<Probed<Google>> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    PROBED.get_or_init(Probed::new).converse(bytes);
});
