//! Which addresses this machine has, as Linux lists them under `/proc/net`.
//!
//! Elsewhere, and where `/proc` is closed, the address the default route would use stands in, with
//! loopback. Not here: which of them to advertise.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

pub(super) fn local_ips() -> io::Result<Vec<IpAddr>> {
    let mut ips = Vec::new();
    if let Ok(trie) = std::fs::read_to_string("/proc/net/fib_trie") {
        ips.extend(ipv4_of_trie(&trie).into_iter().map(IpAddr::V4));
    }
    if let Ok(table) = std::fs::read_to_string("/proc/net/if_inet6") {
        ips.extend(ipv6_of_table(&table).into_iter().map(IpAddr::V6));
    }
    if ips.iter().all(|ip| ip.is_loopback()) {
        ips.extend(default_route_source());
    }
    if ips.is_empty() {
        ips.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(ips)
}

/// In the routing trie a machine's own address is a leaf `|-- ADDRESS` whose next lines hold
/// `/32 host LOCAL`; every table repeats it.
fn ipv4_of_trie(trie: &str) -> Vec<Ipv4Addr> {
    let mut ips = Vec::new();
    let mut leaf = None;
    for line in trie.lines() {
        let line = line.trim_start();
        if let Some(addr) = line.strip_prefix("|-- ") {
            leaf = addr.trim().parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(ip) = leaf
            && !ips.contains(&ip)
        {
            ips.push(ip);
        }
    }
    ips
}

/// Each line starts with an address as 32 hexadecimal digits.
fn ipv6_of_table(table: &str) -> Vec<Ipv6Addr> {
    table
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().next())
        .filter(|hex| hex.len() == 32)
        .filter_map(|hex| u128::from_str_radix(hex, 16).ok())
        .map(Ipv6Addr::from)
        .collect()
}

/// Connecting a datagram socket sends nothing but makes the kernel choose a source address.
fn default_route_source() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-3 (RFC 5737): routed like the rest of the internet, owned by nobody.
    socket
        .connect(SocketAddr::from(([203, 0, 113, 1], 9)))
        .ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_the_local_host_leaves_of_the_trie() {
        let trie = "\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.1.2.0/24 2 0 2
        |-- 10.1.2.0
           /24 link UNICAST
        |-- 10.1.2.7
           /32 host LOCAL
        |-- 10.1.2.255
           /32 link BROADCAST
Local:
        |-- 10.1.2.7
           /32 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
";
        let want = [Ipv4Addr::new(10, 1, 2, 7), Ipv4Addr::LOCALHOST];
        assert_eq!(ipv4_of_trie(trie), want);
    }

    #[test]
    fn own_ipv6_addresses_are_the_first_column() {
        let table = "\
00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000042acfffe110002 02 40 20 80     eth0
broken line
";
        let want: Vec<Ipv6Addr> = ["::1", "fe80::42:acff:fe11:2"]
            .iter()
            .map(|a| a.parse().expect("literal"))
            .collect();
        assert_eq!(ipv6_of_table(table), want);
    }

    #[test]
    fn a_machine_has_at_least_one_address() {
        assert!(!local_ips().expect("listing works").is_empty());
    }
}
