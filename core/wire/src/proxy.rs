//! The PROXY protocol, versions 1 and 2: what a proxy says first about where a connection comes from
//! (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).
//!
//! What is refused is what the reference server refuses, in its words; so are the oddities: names of
//! hosts behind `UNKNOWN` are not looked at, and the destination must be right but does not count.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes that show which version it is, or that there is no header.
const VERSION: usize = 6;
const V1_START: &[u8; VERSION] = b"PROXY ";
/// The longest header of version 1, with its line end.
const V1_LONGEST: usize = 107;
const V2_START: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// What every header of version 2 has: the start, command, family and the size of what follows.
const V2_FIXED: usize = 16;

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// No header: the peer speaks for itself.
    Absent,
    /// A header of so many bytes.
    Header {
        /// Where the connection comes from; `None` if it is the proxy's own or nobody knows.
        source: Option<SocketAddr>,
        /// The header's size; what follows is the peer's.
        used: usize,
    },
    /// This part of a header is not there yet.
    Incomplete(Part),
}

/// A part of a header. Printed as the reference server calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first bytes.
    Version,
    /// The line that is version 1.
    Line,
    /// The rest of version 2's start.
    Signature,
    /// Command, family, and the size of what follows.
    Fixed,
    /// Addresses of version 4.
    V4,
    /// Addresses of version 6.
    V6,
    /// What follows where no address counts.
    Other,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Version => "protocol version",
            Part::Line => "v1 line",
            Part::Signature => "v2 signature",
            Part::Fixed => "v2 header",
            Part::V4 => "IPv4 address data",
            Part::V6 => "IPv6 address data",
            Part::Other => "address data",
        })
    }
}

/// Why a header is refused, in the reference server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadHeader(String);

impl fmt::Display for BadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for BadHeader {}

fn invalid<T>(what: impl fmt::Display) -> Result<T, BadHeader> {
    Err(BadHeader(format!("invalid PROXY protocol header: {what}")))
}

fn unsupported<T>(what: impl fmt::Display) -> Result<T, BadHeader> {
    Err(BadHeader(format!(
        "unsupported PROXY protocol feature: {what}"
    )))
}

/// Reads the header at the start of `bytes`, the first that have come over a connection.
pub fn decode(bytes: &[u8]) -> Result<Decoded, BadHeader> {
    let Some(start) = bytes.get(..VERSION) else {
        return Ok(Decoded::Incomplete(Part::Version));
    };
    if start == V1_START {
        v1(bytes)
    } else if start == &V2_START[..VERSION] {
        v2(bytes)
    } else {
        Ok(Decoded::Absent)
    }
}

fn v1(bytes: &[u8]) -> Result<Decoded, BadHeader> {
    let most = &bytes[..bytes.len().min(V1_LONGEST)];
    let Some(end) = most.windows(2).position(|pair| pair == b"\r\n") else {
        return match most.len() {
            V1_LONGEST => invalid("v1 line too long"),
            _ => Ok(Decoded::Incomplete(Part::Line)),
        };
    };
    let line = String::from_utf8_lossy(&most[VERSION..end]);
    let words: Vec<&str> = line.split_whitespace().collect();
    let source = match words[..] {
        ["UNKNOWN", ..] => None,
        [family, source, to, source_port, port] => {
            Some(v1_source(family, [source, to], [source_port, port])?)
        }
        _ => return invalid("invalid v1 format"),
    };
    let used = end + 2;
    Ok(Decoded::Header { source, used })
}

/// `hosts` and `ports` are the source's and the destination's.
fn v1_source(family: &str, hosts: [&str; 2], ports: [&str; 2]) -> Result<SocketAddr, BadHeader> {
    let [Ok(source), Ok(_)] = hosts.map(str::parse::<IpAddr>) else {
        return invalid("invalid address");
    };
    let source_port = port(ports[0], "source")?;
    port(ports[1], "dest")?;
    let are_v6 = hosts.map(|host| host.contains(':'));
    match family {
        "TCP4" if are_v6 != [false; 2] => invalid("TCP4 with IPv6 address"),
        "TCP6" if are_v6 != [true; 2] => invalid("TCP6 with IPv4 address"),
        "TCP4" | "TCP6" => Ok(SocketAddr::new(source.to_canonical(), source_port)),
        other => invalid(format_args!("invalid protocol {other}")),
    }
}

fn port(text: &str, whose: &str) -> Result<u16, BadHeader> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let problem = match text.parse() {
        Ok(port) if digits => return Ok(port),
        _ if digits => "value out of range",
        _ => "invalid syntax",
    };
    Err(BadHeader(format!(
        "invalid {whose} port: strconv.ParseUint: parsing {text:?}: {problem}"
    )))
}

fn v2(bytes: &[u8]) -> Result<Decoded, BadHeader> {
    match bytes.get(..V2_START.len()) {
        None => return Ok(Decoded::Incomplete(Part::Signature)),
        Some(start) if start != V2_START => return invalid("invalid signature"),
        Some(_) => {}
    }
    let Some(&[command, family, high, low]) = bytes.get(V2_START.len()..V2_FIXED) else {
        return Ok(Decoded::Incomplete(Part::Fixed));
    };
    let size = u16::from_be_bytes([high, low]);
    if command & 0xf0 != 0x20 {
        return invalid(format_args!("invalid version 0x{:02x}", command & 0xf0));
    }
    let part = match command & 0x0f {
        0 => Part::Other,
        1 => v2_part(family, size)?,
        other => {
            let text = format!("unknown PROXY protocol command: 0x{other:02x}");
            return Err(BadHeader(text));
        }
    };
    let used = V2_FIXED + usize::from(size);
    let Some(data) = bytes.get(V2_FIXED..used) else {
        return Ok(Decoded::Incomplete(part));
    };
    let source = match part {
        Part::V4 => read(data).map(|ip: [u8; 4]| (Ipv4Addr::from(ip).into(), 8)),
        Part::V6 => read(data).map(|ip: [u8; 16]| (Ipv6Addr::from(ip).to_canonical(), 32)),
        _ => None,
    };
    let source = source.and_then(|(ip, at): (IpAddr, usize)| {
        let port = u16::from_be_bytes(read(data.get(at..)?)?);
        Some(SocketAddr::new(ip, port))
    });
    Ok(Decoded::Header { source, used })
}

/// What follows the fixed part of a connection that somebody made through the proxy.
fn v2_part(family: u8, size: u16) -> Result<Part, BadHeader> {
    if family & 0x0f != 1 {
        return unsupported("only STREAM protocol supported");
    }
    let (part, name, least) = match family & 0xf0 {
        0x00 => return Ok(Part::Other),
        0x10 => (Part::V4, "IPv4", 12),
        0x20 => (Part::V6, "IPv6", 36),
        other => {
            return unsupported(format_args!("unsupported address family 0x{other:02x}"));
        }
    };
    if size < least {
        let text = format!("{name} address data too short: {size} bytes");
        return Err(BadHeader(text));
    }
    Ok(part)
}

fn read<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;
    use std::vec;

    fn v2_header(command: u8, family: u8, data: &[u8]) -> Vec<u8> {
        let size = u16::try_from(data.len()).expect("tests are short");
        let fixed = [&[command, family][..], &size.to_be_bytes()].concat();
        [&V2_START[..], &fixed, data].concat()
    }

    fn v2_addresses(source: SocketAddr) -> Vec<u8> {
        let (family, ip) = match source.ip() {
            IpAddr::V4(ip) => (0x11, ip.octets().to_vec()),
            IpAddr::V6(ip) => (0x21, ip.octets().to_vec()),
        };
        let ports = [source.port().to_be_bytes(), 4222u16.to_be_bytes()].concat();
        let data = [ip.clone(), ip, ports].concat();
        v2_header(0x21, family, &data)
    }

    fn from(source: &str, used: usize) -> Result<Decoded, BadHeader> {
        let source = (!source.is_empty()).then(|| source.parse().expect("an address"));
        Ok(Decoded::Header { source, used })
    }

    #[test]
    fn lines_of_version_1() {
        for (line, source) in [
            ("PROXY TCP4 1.2.3.4 5.6.7.8 111 222\r\n", "1.2.3.4:111"),
            ("PROXY  TCP4\t1.2.3.4  5.6.7.8 1 2 \r\n", "1.2.3.4:1"),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n", "1.2.3.4:0"),
            ("PROXY TCP6 ::1 2001:db8::2 111 222\r\n", "[::1]:111"),
            ("PROXY TCP6 ::ffff:1.2.3.4 ::2 1 2\r\n", "1.2.3.4:1"),
            ("PROXY UNKNOWN\r\n", ""),
            ("PROXY UNKNOWN a b\r\n", ""),
        ] {
            let bytes = [line, "PING\r\n"].concat();
            assert_eq!(decode(bytes.as_bytes()), from(source, line.len()), "{line}");
        }
    }

    #[test]
    fn bad_lines_of_version_1() {
        for (line, problem) in [
            (
                "TCP4 ::1 5.6.7.8 1 2",
                "invalid PROXY protocol header: TCP4 with IPv6 address",
            ),
            (
                "TCP6 1.2.3.4 ::1 1 2",
                "invalid PROXY protocol header: TCP6 with IPv4 address",
            ),
            (
                "UDP4 1.2.3.4 5.6.7.8 1 2",
                "invalid PROXY protocol header: invalid protocol UDP4",
            ),
            (
                "TCP4 1.2.3.4 5.6.7.8 1",
                "invalid PROXY protocol header: invalid v1 format",
            ),
            ("", "invalid PROXY protocol header: invalid v1 format"),
            (
                "TCP4 1.2.3 5.6.7.8 1 2",
                "invalid PROXY protocol header: invalid address",
            ),
            (
                "TCP4 01.2.3.4 5.6.7.8 1 2",
                "invalid PROXY protocol header: invalid address",
            ),
            (
                "TCP6 fe80::1%eth0 ::1 1 2",
                "invalid PROXY protocol header: invalid address",
            ),
            (
                "TCP4 1.2.3.4 5.6.7.8 99999 2",
                "invalid source port: strconv.ParseUint: parsing \"99999\": value out of range",
            ),
            (
                "TCP4 1.2.3.4 5.6.7.8 +1 2",
                "invalid source port: strconv.ParseUint: parsing \"+1\": invalid syntax",
            ),
            (
                "TCP4 1.2.3.4 5.6.7.8 1 x",
                "invalid dest port: strconv.ParseUint: parsing \"x\": invalid syntax",
            ),
        ] {
            let bytes = format!("PROXY {line}\r\n");
            let got = decode(bytes.as_bytes()).map_err(|e| e.to_string());
            assert_eq!(got, Err(problem.into()), "{line}");
        }
    }

    #[test]
    fn a_line_of_version_1_is_bounded() {
        let line = |size: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(size - 16));
        assert_eq!(decode(line(107).as_bytes()), from("", 107));
        assert_eq!(decode(line(108).as_bytes()), invalid("v1 line too long"));
        let unfinished = decode(&line(108).as_bytes()[..106]);
        assert_eq!(unfinished, Ok(Decoded::Incomplete(Part::Line)));
    }

    #[test]
    fn headers_of_version_2() {
        let local = |command, family, data: &[u8]| v2_header(command, family, data);
        for (bytes, source) in [
            (v2_addresses(([10, 1, 2, 3], 1234).into()), "10.1.2.3:1234"),
            (
                local(0x21, 0x11, &[[9; 12].to_vec(), vec![4, 0, 1, 120]].concat()),
                "9.9.9.9:2313",
            ),
            (local(0x20, 0x00, b""), ""),
            (local(0x20, 0x77, b"abcdef"), ""),
            (local(0x21, 0x01, b"abc"), ""),
        ] {
            assert_eq!(decode(&bytes), from(source, bytes.len()), "{bytes:?}");
        }
        let mapped = v2_addresses("[::ffff:1.2.3.4]:77".parse().expect("an address"));
        assert_eq!(decode(&mapped), from("1.2.3.4:77", mapped.len()));
    }

    #[test]
    fn bad_headers_of_version_2() {
        for (bytes, problem) in [
            (
                v2_header(0x11, 0x11, b""),
                "invalid PROXY protocol header: invalid version 0x10",
            ),
            (
                v2_header(0x22, 0x11, b""),
                "unknown PROXY protocol command: 0x02",
            ),
            (
                v2_header(0x21, 0x00, b""),
                "unsupported PROXY protocol feature: only STREAM protocol supported",
            ),
            (
                v2_header(0x21, 0x31, b""),
                "unsupported PROXY protocol feature: unsupported address family 0x30",
            ),
            (
                v2_header(0x21, 0x11, b"abc"),
                "IPv4 address data too short: 3 bytes",
            ),
            (
                v2_header(0x21, 0x21, &[0; 12]),
                "IPv6 address data too short: 12 bytes",
            ),
            (
                b"\r\n\r\n\0\r\nQUIX\n".to_vec(),
                "invalid PROXY protocol header: invalid signature",
            ),
        ] {
            let got = decode(&bytes).map_err(|e| e.to_string());
            assert_eq!(got, Err(problem.into()), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_header_is_left_alone() {
        for text in [
            "PING\r\n",
            "CONNECT {}\r\n",
            "proxy TCP4",
            "PROXYx",
            "\r\n\r\n\r\n",
        ] {
            assert_eq!(decode(text.as_bytes()), Ok(Decoded::Absent), "{text}");
        }
        assert_eq!(decode(b"PROXY"), Ok(Decoded::Incomplete(Part::Version)));
    }

    proptest! {
        /// However the bytes arrive, the header is the same, and before its end nothing is decided.
        #[test]
        fn any_source_is_read_from_both_versions(source: SocketAddr, tail: Vec<u8>) {
            let canonical = SocketAddr::new(source.ip().to_canonical(), source.port());
            let (family, ip) = match source {
                SocketAddr::V4(v4) => ("TCP4", v4.ip().to_string()),
                SocketAddr::V6(v6) => ("TCP6", v6.ip().to_string()),
            };
            let line = format!("PROXY {family} {ip} {ip} {} 1\r\n", source.port());
            for header in [line.into_bytes(), v2_addresses(source)] {
                for end in 0..header.len() {
                    let early = decode(&header[..end]);
                    prop_assert!(matches!(early, Ok(Decoded::Incomplete(_))), "{early:?}");
                }
                let all = [&header[..], &tail].concat();
                let used = header.len();
                prop_assert_eq!(decode(&all), Ok(Decoded::Header { source: Some(canonical), used }));
            }
        }

        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>, version in 0..3usize) {
            let start: &[u8] = [&b""[..], V1_START, V2_START][version];
            let bytes = [start, &bytes].concat();
            if let Ok(Decoded::Header { used, .. }) = decode(&bytes) {
                prop_assert!(used <= bytes.len());
            }
        }
    }
}
