//! Where a connection comes from, for bounds by source: one address, or one network of one owner.

use std::net::{IpAddr, Ipv4Addr};

/// An IPv4 address, or an IPv6 network of 64 bits: a machine with one address of such a network has them all (RFC 4291,
/// 2.5.1), and could come from another one each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Source {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        // A socket that listens on both sees IPv4 as `::ffff:a.b.c.d`, which all are in one network of 64 bits.
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Source {
        Source::of(address.parse().unwrap())
    }

    #[test]
    fn ipv4_counts_by_address_however_it_is_written_and_ipv6_by_network() {
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }
}
