//! Holds random conversations with the scim2 mock: `cargo +nightly fuzz run scim2` in `mocks/`.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use outbound_mocks::{probe::Probed, scim2::Scim2};

static PROBED: OnceLock<Probed<Scim2>> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    PROBED.get_or_init(Probed::new).converse(bytes);
});
