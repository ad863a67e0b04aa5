//! Addresses that are no public unicast ones, and what they are: this machine, its network, and what leads back to them.
//!
//! After IANA's registries of special-purpose addresses, <https://www.iana.org/assignments/iana-ipv4-special-registry> and
//! <https://www.iana.org/assignments/iana-ipv6-special-registry> (RFC 6890), with multicast (RFC 5771, RFC 4291), and the
//! addresses at which clouds tell a machine its secrets. What the registry of IPv6 leaves unassigned is special too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The narrower before the wider.
const FOUR: &[([u8; 4], u8, &str)] = &[
    ([0, 0, 0, 0], 32, "the unspecified address, which is this machine"),
    ([0, 0, 0, 0], 8, "an address of \"this network\""),
    ([10, 0, 0, 0], 8, "a private address (RFC 1918)"),
    ([100, 64, 0, 0], 10, "an address shared behind a carrier's NAT (RFC 6598)"),
    ([127, 0, 0, 0], 8, "a loopback address of this machine"),
    ([168, 63, 129, 16], 32, "the address of a cloud's own services for its machines"),
    ([169, 254, 169, 254], 32, "the metadata address of clouds (link-local)"),
    ([169, 254, 0, 0], 16, "a link-local address"),
    ([172, 16, 0, 0], 12, "a private address (RFC 1918)"),
    ([192, 0, 0, 0], 24, "an address of IETF protocols"),
    ([192, 0, 2, 0], 24, "an address for documentation"),
    ([192, 88, 99, 0], 24, "an address of 6to4 relays"),
    ([192, 168, 0, 0], 16, "a private address (RFC 1918)"),
    ([198, 18, 0, 0], 15, "an address for benchmarks"),
    ([198, 51, 100, 0], 24, "an address for documentation"),
    ([203, 0, 113, 0], 24, "an address for documentation"),
    ([224, 0, 0, 0], 4, "a multicast address"),
    ([255, 255, 255, 255], 32, "the broadcast address"),
    ([240, 0, 0, 0], 4, "a reserved address"),
];

/// The narrower before the wider. IPv4 within `::ffff:0:0/96` is IPv4, and [`NAT64`] is what it leads to.
const SIX: &[([u16; 8], u8, &str)] = &[
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, "the unspecified address, which is this machine"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "a loopback address of this machine"),
    ([0, 0, 0, 0, 0, 0, 0, 0], 96, "an IPv4-compatible address"),
    ([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, "an IPv4-translated address"),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "a local NAT64 address"),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "an address that discards"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "a Teredo address"),
    ([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, "an address for benchmarks"),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "an address for documentation"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "an address of IETF protocols"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "a 6to4 address"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "an address for documentation"),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "an identifier of segment routing"),
    ([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, "the metadata address of clouds (unique local)"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "a private address (unique local)"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "a link-local address"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "a site-local address"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "a multicast address"),
];

/// Where all public unicast addresses of IPv6 are.
const UNICAST: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// Whose last four bytes are the IPv4 address that it leads to (RFC 6052).
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

fn four() -> impl Iterator<Item = (Ipv4Net, &'static str)> {
    FOUR.iter().map(|(address, length, what)| (Ipv4Net::new_assert(Ipv4Addr::from(*address), *length), *what))
}

fn six() -> impl Iterator<Item = (Ipv6Net, &'static str)> {
    SIX.iter().map(|(address, length, what)| (Ipv6Net::new_assert(Ipv6Addr::from(*address), *length), *what))
}

/// What an address is, in words that follow "is", where it is no public unicast address.
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => four().find(|(range, _)| range.contains(&address)).map(|(_, what)| what),
        IpAddr::V6(address) => {
            if let Some(embedded) = nat64(address) {
                return special(IpAddr::V4(embedded)).map(|_| "a NAT64 address of one that is not public");
            }
            let known = six().find(|(range, _)| range.contains(&address)).map(|(_, what)| what);
            known.or_else(|| (!UNICAST.contains(&address)).then_some("a reserved address"))
        }
    }
}

/// Whether there is nothing but special addresses in a prefix. Errs on the side of no.
pub(super) fn wholly_special(prefix: IpNet) -> bool {
    match prefix {
        IpNet::V4(prefix) => four().any(|(range, _)| range.contains(&prefix)),
        IpNet::V6(prefix) if NAT64.contains(&prefix) => {
            let embedded =
                nat64(prefix.network()).and_then(|four| Ipv4Net::new(four, prefix.prefix_len() - 96).ok());
            embedded.is_some_and(|embedded| wholly_special(IpNet::V4(embedded)))
        }
        IpNet::V6(prefix) => {
            let apart = !prefix.contains(&UNICAST) && !UNICAST.contains(&prefix) && !prefix.contains(&NAT64);
            apart || six().any(|(range, _)| range.contains(&prefix))
        }
    }
}

/// Every address at which what is special begins or has just ended.
pub(super) fn edges() -> impl Iterator<Item = IpAddr> {
    let four = four().map(|(range, _)| IpNet::V4(range));
    let nat64 = FOUR.iter().filter_map(|(address, length, _)| {
        let [a, b, c, d] = *address;
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let address = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low);
        Ipv6Net::new(address, length + 96).ok().map(IpNet::V6)
    });
    let six = six().map(|(range, _)| range).chain([UNICAST, NAT64]).map(IpNet::V6);
    four.chain(nat64).chain(six).flat_map(edges_of)
}

/// The first address of a prefix, and the first behind it if there is one.
pub(super) fn edges_of(prefix: IpNet) -> impl Iterator<Item = IpAddr> {
    let behind = match prefix.broadcast() {
        IpAddr::V4(last) => u32::from(last).checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(last) => u128::from(last).checked_add(1).map(|next| IpAddr::V6(next.into())),
    };
    [prefix.network()].into_iter().chain(behind)
}

fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    NAT64.contains(&address).then(|| Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(address: &str) -> Option<&'static str> {
        special(address.parse().unwrap())
    }

    #[test]
    fn what_is_not_public_is_said() {
        for (word, addresses) in [
            ("unspecified", &["0.0.0.0", "::", "::ffff:0.0.0.0"][..]),
            ("this network", &["0.1.2.3"]),
            ("loopback", &["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"]),
            (
                "RFC 1918",
                &[
                    "10.0.0.0",
                    "10.255.255.255",
                    "172.16.0.0",
                    "172.31.255.255",
                    "192.168.1.1",
                    "::ffff:10.0.0.1",
                ],
            ),
            ("metadata", &["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"]),
            ("link-local", &["169.254.0.1", "169.254.169.253", "fe80::1", "febf::1"]),
            ("carrier", &["100.64.0.0", "100.127.255.255", "100.100.100.200"]),
            ("cloud", &["168.63.129.16"]),
            ("unique local", &["fc00::1", "fd12:3456::1"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            ("broadcast", &["255.255.255.255"]),
            ("documentation", &["192.0.2.1", "198.51.100.7", "203.0.113.255", "2001:db8::1", "3fff::1"]),
            ("benchmark", &["198.18.0.1", "198.19.255.255", "2001:2::1"]),
            ("IETF", &["192.0.0.1", "192.0.0.192", "2001:1::1", "2001:20::1"]),
            ("6to4", &["192.88.99.1", "2002::1", "2002:7f00:1::", "2002:0808:0808::"]),
            ("reserved", &["240.0.0.1", "254.1.2.3", "4000::1", "200::1", "1::1", "e000::1"]),
            ("site-local", &["fec0::1", "feff::1"]),
            ("NAT64", &["64:ff9b::7f00:1", "64:ff9b::10.1.2.3", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"]),
            ("Teredo", &["2001::1", "2001:0:808:808::1"]),
            ("compatible", &["::127.0.0.1", "::8.8.8.8", "::2"]),
            ("translated", &["::ffff:0:8.8.8.8"]),
            ("discard", &["100::1"]),
            ("segment", &["5f00::1"]),
        ] {
            for address in addresses {
                let told = what(address).unwrap_or_else(|| panic!("{address} is special"));
                assert!(told.contains(word), "{address}: {told}");
            }
        }
    }

    #[test]
    fn what_is_public_is_not_special() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "192.0.1.0",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2003::1",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
        ] {
            assert_eq!(what(address), None, "{address}");
        }
    }

    #[test]
    fn a_prefix_is_special_where_all_of_it_is() {
        for (prefix, expected) in [
            ("10.0.0.0/8", true),
            ("10.1.0.0/16", true),
            ("127.0.0.0/8", true),
            ("172.16.0.0/12", true),
            ("240.0.0.0/4", true),
            ("8.0.0.0/8", false),
            ("0.0.0.0/0", false),
            ("10.0.0.0/7", false),
            ("172.0.0.0/8", false),
            ("::/0", false),
            ("fd00::/8", true),
            ("fc00::/6", true),
            ("2000::/3", false),
            ("2000::/2", false),
            ("64:ff9b::/96", false),
            ("64:ff9b::a00:0/104", true),
            ("64:ff9b::/32", false),
            ("2001:db8::/48", true),
            ("2a00::/16", false),
            ("4000::/2", true),
        ] {
            assert_eq!(wholly_special(prefix.parse().unwrap()), expected, "{prefix}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_special_prefixes_hold_is_special(bits: u128, length in 0u8..=128, inner: u128, four: bool) {
            let prefix = match four {
                true => IpNet::V4(Ipv4Net::new(Ipv4Addr::from(bits as u32), length / 4).unwrap().trunc()),
                false => IpNet::V6(Ipv6Net::new(Ipv6Addr::from(bits), length).unwrap().trunc()),
            };
            let within = match prefix {
                IpNet::V4(net) => IpAddr::V4((u32::from(net.network()) | inner as u32 & u32::from(net.hostmask())).into()),
                IpNet::V6(net) => IpAddr::V6((u128::from(net.network()) | inner & u128::from(net.hostmask())).into()),
            };
            if wholly_special(prefix) && within.to_canonical().is_ipv4() == four {
                proptest::prop_assert!(special(within).is_some(), "{} in {}", within, prefix);
            }
        }
    }
}
