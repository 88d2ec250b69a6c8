//! From where somebody calls, as far as a bound of each source goes.
//! Never an address by itself where whoever has it has more beside it: a network of IPv6 is one source.
//! Who it is nobody can tell from that; entries keep the whole address.

use std::net::{IpAddr, Ipv6Addr};

/// What an address counts as: itself, written as it is meant; of IPv6 the network of 64 bits, which is the smallest that is given to
/// anybody (RFC 6177), so its holder has as many addresses as it likes.
pub fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [one, two, three, four, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(one, two, three, four, 0, 0, 0, 0))
        }
        canonical => canonical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_source_and_an_address_of_ipv4_another_each() {
        let of = |text: &str| source_of(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
