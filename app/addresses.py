"""Address: lists of networks, and whether somebody's address lies in one of them.

A list is written as CIDR blocks by comma, IPv4 and IPv6. An IPv4 address that arrived over an IPv6
socket (``::ffff:10.0.0.1``) is the IPv4 address, in the list as well as in a request.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
_MAPPED = 96  # ::ffff:0:0/96 holds the IPv4 addresses


@lru_cache(maxsize=16)
def networks(text: str) -> tuple[Network, ...]:
    """The blocks of a list; raises ValueError with the entry that is none.

    An address without a length is that one address. Bits behind the length are refused: somebody who
    writes 10.0.0.5/24 has meant either more or less than they would get.
    """
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(_plain(ip_network(entry)))
        except ValueError as error:
            raise ValueError(f"{entry} is not a network such as 10.2.0.0/16 or 2001:db8::/32 ({error})") from None
    return tuple(found)


def _plain(network: Network) -> Network:
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED:
        return network
    return ip_network((int(mapped), network.prefixlen - _MAPPED))


def within(address: str, listed: tuple[Network, ...]) -> bool:
    """Whether ``address`` lies in one of the networks; what is no address lies in none."""
    try:
        asked: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    asked = getattr(asked, "ipv4_mapped", None) or asked
    return any(asked in network for network in listed if network.version == asked.version)
