//! Reads random fault specifications; what is read is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outbound_mocks::fault::FaultSpec;

fuzz_target!(|text: &str| {
    if let Ok(spec) = text.parse::<FaultSpec>() {
        assert_eq!(spec.to_string().parse().as_ref(), Ok(&spec));
    }
});
