"""Which addresses of the internet are somebody else's, and which lead into our own network or nowhere.

Addresses are judged as the numbers that a connection goes to, never as they are written.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: What the global part of IPv6 holds besides hosts: protocols (Teredo among them), documentation, 6to4, segments.
_INNER = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
#: Addresses that translators make of IPv4 ones, which are their last 32 bits.
_TRANSLATED = [ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "::ffff:0:0/96", "::ffff:0:0:0/96")]
#: Protocols, some of which newer tables of Python count as global, and the old relays of 6to4.
_NOWHERE = [ipaddress.IPv4Network(text) for text in ("192.0.0.0/24", "192.88.99.0/24")]


def is_public(address: Address) -> bool:
    """Whether the address belongs to a host of the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        for network in _TRANSLATED:
            if address in network:
                return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _GLOBAL_IPV6 and not any(address in network for network in _INNER)
    if any(address in network for network in _NOWHERE):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def parse_networks(texts: Iterable[str]) -> list[Network]:
    """The networks among the texts, such as ``10.0.0.0/8`` or ``::1``; host names are left out."""
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            continue
    return networks


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks has the address, also when it is written as a mapped one."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in networks if network.version == (mapped or address).version)
