//! Addresses of targets: which of them stay on this machine.

use url::{Host, Url};

/// Tells whether an address (a URL, or a bare host with or without a port) stays on this machine.
///
/// Loopback are `localhost` and every name below it (RFC 6761, section 6.3), 127.0.0.0/8 and `::1`. What cannot be read
/// as an address is not loopback.
pub fn is_loopback(address: &str) -> bool {
    let address = address.trim();
    if is_plainly_here(address) {
        return true;
    }
    let parsed = if address.contains("://") {
        Url::parse(address)
    } else {
        Url::parse(&format!("http://{address}"))
    };
    match parsed.as_ref().ok().and_then(Url::host) {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

/// Tells whether an address says so in its plainest form. Every decision asks, and most of them about the same address.
fn is_plainly_here(address: &str) -> bool {
    let scheme = ["http://", "https://"];
    let host = ["localhost", "127.0.0.1", "[::1]"];
    let after = |text: &[&str], address| -> Option<&str> {
        text.iter()
            .find_map(|text| str::strip_prefix(address, *text))
    };
    let Some(rest) = after(&scheme, address).and_then(|rest| after(&host, rest)) else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix(':') {
        Some(port) => port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok(),
        None => authority.is_empty(),
    }
}

/// Returns the port of an address on this machine; nothing when it lies on another one.
pub(crate) fn port_here(address: &str) -> Option<u16> {
    let address = address.trim();
    if !is_loopback(address) {
        return None;
    }
    let parsed = if address.contains("://") {
        Url::parse(address)
    } else {
        Url::parse(&format!("http://{address}"))
    };
    parsed.ok()?.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_an_address_on_this_machine_is_known() {
        for (address, port) in [
            ("http://127.0.0.1:9101/token", Some(9101)),
            ("localhost:9103", Some(9103)),
            ("http://[::1]/x", Some(80)),
            ("https://oauth2.googleapis.com/token", None),
            ("", None),
        ] {
            assert_eq!(port_here(address), port, "{address}");
        }
    }

    #[test]
    fn only_names_and_numbers_of_this_machine_are_loopback() {
        for here in [
            "http://localhost:9101/scim2/Users",
            "localhost:9103",
            "http://127.8.8.8",
            "https://[::1]:8443/x",
            "http://mock.localhost/",
            "HTTP://LOCALHOST",
            "http://127.0.0.1:9101/scim2/Users",
            "https://[::1]",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for there in [
            "https://admin.googleapis.com",
            "http://127.0.0.1.example.com",
            "http://localhost@evil.example/",
            "http://localhost:80@evil.example/",
            "http://localhost.evil.example:80/",
            "http://127.0.0.1:99999/",
            "http://0.0.0.0",
            "",
            "http://[broken",
        ] {
            assert!(!is_loopback(there), "{there}");
        }
    }
}
