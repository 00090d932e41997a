//! Host names become addresses here: a name of this machine stays on it, and a name of another machine never leads into
//! it, nor to what is reachable from this machine's own link only (a cloud's metadata service).
//!
//! Whoever owns a target's domain decides where its name leads. Without this, that owner could let a connector speak to
//! services that trust this machine. Private networks (10.0.0.0/8 and the like) are not refused: targets stand there.
//! An address that stands in `workbench.toml` as a number is what its author wrote, and is taken as it is.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks names up, within the bounds above.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            if domain::is_loopback(&name) {
                return Ok(Box::new(here().into_iter()) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses = elsewhere(&name, found)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// A name of another machine leads to addresses of this one only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeadsInside {
    name: String,
    address: IpAddr,
}

impl fmt::Display for LeadsInside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, address } = self;
        write!(
            f,
            "the name {name} leads to {address}, which belongs to this machine or its own link"
        )
    }
}

impl Error for LeadsInside {}

/// The addresses of `localhost` and of every name below it. No name service is asked (RFC 6761, section 6.3), so that
/// none can lead such a name away.
fn here() -> [SocketAddr; 2] {
    [
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
    ]
}

/// Returns those addresses of another machine's name that may be spoken to.
fn elsewhere(
    name: &str,
    found: impl IntoIterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, LeadsInside> {
    let (inside, outside): (Vec<SocketAddr>, Vec<SocketAddr>) =
        found.into_iter().partition(|found| is_inside(found.ip()));
    match inside.first() {
        Some(first) if outside.is_empty() => Err(LeadsInside {
            name: name.to_owned(),
            address: first.ip(),
        }),
        _ => Ok(outside),
    }
}

/// Tells whether an address means this machine or its own link.
fn is_inside(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.octets()[0] == 0
        }
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0))
            .collect()
    }

    #[test]
    fn a_name_of_another_machine_does_not_lead_inside() {
        for inside in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
        ] {
            let told = elsewhere("scim.example", addresses(&[inside])).unwrap_err();
            assert_eq!(told.name, "scim.example", "{inside}");
        }
    }

    #[test]
    fn targets_stand_in_private_networks_too() {
        let list = addresses(&[
            "10.1.2.3",
            "192.168.1.1",
            "203.0.113.7",
            "2001:db8::1",
            "fd00::7",
        ]);
        assert_eq!(elsewhere("scim.example", list.clone()), Ok(list));
    }

    #[test]
    fn of_several_addresses_only_those_outside_are_spoken_to() {
        let found = addresses(&["127.0.0.1", "203.0.113.7"]);
        let left = elsewhere("scim.example", found).unwrap();
        assert_eq!(left, addresses(&["203.0.113.7"]));
        assert_eq!(elsewhere("nowhere.example", []), Ok(Vec::new()));
    }
}
