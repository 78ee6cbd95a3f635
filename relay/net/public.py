"""Which addresses are on the public internet, rather than on this machine, its network or inside its provider."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Ranges that some Python versions call global, but that are not for us.
_INNER = [
    IPv4Network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT; one cloud's metadata
        "168.63.129.16/32",  # another cloud's metadata and wire server, at an address that looks public
        "192.0.0.0/24",  # reserved for protocols; a third cloud's metadata
        "192.88.99.0/24",  # relays between IPv6 and IPv4
        "198.18.0.0/15",
        "240.0.0.0/4",
    )
]
_UNICAST = IPv6Network("2000::/3")  # the only part of IPv6 assigned to the public internet
_NAT64 = IPv6Network("64:ff9b::/96")  # ends with the IPv4 address it leads to
_LEADS_ELSEWHERE = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo (an embedded address) and protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4: an embedded address
        "3fff::/20",
    )
]
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # the middle of an address with an IPv4 address at its end
_LAST_32 = 0xFFFF_FFFF


def is_public(text: str) -> bool:
    """Whether this is a numeric public address, including any address embedded in it."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_4(address)
    return address.scope_id is None and _is_public_6(address)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in _INNER)


def _is_public_6(address: IPv6Address) -> bool:
    packed = address.ipv4_mapped
    if packed is None and address in _NAT64:
        packed = IPv4Address(int(address) & _LAST_32)
    if packed is not None:
        return _is_public_4(packed)
    return (
        address in _UNICAST
        and address.is_global
        and not any(address in network for network in _LEADS_ELSEWHERE)
        and int(address) >> 32 & _LAST_32 not in _ISATAP
    )
