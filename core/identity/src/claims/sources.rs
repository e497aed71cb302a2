//! Networks that a user may come from.

use core::net::IpAddr;

/// An address with the number of its first bits that count.
pub(super) fn parse(network: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = network.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let digits = !bits.is_empty() && bits.bytes().all(|digit| digit.is_ascii_digit());
    let bits: u32 = digits.then(|| bits.parse().ok())??;
    let width = if address.is_ipv4() { 32 } else { 128 };
    (bits <= width).then_some((address, bits))
}

/// Whether an address lies in one of the networks. One that is none lets nobody in, nor do those behind it.
pub(super) fn contain(networks: &[impl AsRef<str>], host: IpAddr) -> bool {
    for network in networks {
        match parse(network.as_ref()) {
            None => return false,
            Some((address, bits)) if contains(address, bits, host) => return true,
            Some(_) => {}
        }
    }
    false
}

fn contains(network: IpAddr, bits: u32, host: IpAddr) -> bool {
    // An IPv4 address may come in the guise of an IPv6 one.
    match (network.to_canonical(), host.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(host)) => {
            let bits = bits.min(32);
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            network.to_bits() & mask == host.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(host)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            network.to_bits() & mask == host.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{contain, parse};

    #[test]
    fn networks_contain_their_addresses() {
        for (networks, host, wanted) in [
            (&["10.0.0.0/8"][..], "10.1.2.3", true),
            (&["10.0.0.0/8"], "11.1.2.3", false),
            (&["10.0.0.0/8"], "::ffff:10.1.2.3", true),
            (&["10.0.0.0/8", "11.0.0.0/8"], "11.1.2.3", true),
            (&["nonsense", "11.0.0.0/8"], "11.1.2.3", false),
            (&["11.0.0.0/8", "nonsense"], "11.1.2.3", true),
            (&["0.0.0.0/0"], "11.1.2.3", true),
            (&["0.0.0.0/0"], "::1", false),
            (&["::/0"], "::1", true),
            (&["192.0.2.1/32"], "192.0.2.1", true),
            (&["192.0.2.1/32"], "192.0.2.2", false),
            (&["2001:db8::/32"], "2001:db8:1::1", true),
            (&[], "127.0.0.1", false),
        ] {
            let host = host.parse().expect("an address");
            assert_eq!(contain(networks, host), wanted, "{networks:?} {host}");
        }
    }

    #[test]
    fn a_network_is_an_address_and_a_number_of_bits() {
        for wrong in [
            "",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "a/1",
            "::/+1",
            "10/8",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
