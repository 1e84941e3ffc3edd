"""Networks as an administrator writes them, and addresses as requests bring them."""

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import addresses


@pytest.mark.parametrize(
    ("listed", "address", "inside"),
    [
        ("10.2.0.0/16", "10.2.255.255", True),
        ("10.2.0.0/16", "10.3.0.0", False),
        ("10.2.0.7", "10.2.0.7", True),
        ("10.2.0.7", "10.2.0.8", False),
        ("192.0.2.0/24, 2001:db8::/32", "2001:db8:ffff::1", True),
        ("192.0.2.0/24, 2001:db8::/32", "2001:db9::1", False),
        ("10.2.0.0/16", "::ffff:10.2.0.1", True),
        ("10.2.0.0/16", "::ffff:10.3.0.1", False),
        ("::ffff:10.2.0.0/112", "10.2.0.1", True),
        ("::ffff:10.2.0.0/112", "10.3.0.1", False),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::/0", "10.2.0.1", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("10.2.0.0/16", "", False),
        ("10.2.0.0/16", "testclient", False),
        ("10.2.0.0/16", "10.2.0.1:8000", False),
        ("10.2.0.0/16", "010.2.0.1", False),
    ],
)
def test_says_who_is_inside(listed: str, address: str, inside: bool) -> None:
    assert addresses.within(address, addresses.networks(listed)) is inside


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_an_empty_list_has_no_network(text: str) -> None:
    assert addresses.networks(text) == ()


@pytest.mark.parametrize("wrong", ["10.2.0.0/33", "10.2.0.5/24", "office", "10.2.*.*", "10.2.0.0-10.2.0.9", "2001:db8"])
def test_names_the_entry_that_is_no_network(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a network") as refused:
        addresses.networks(f"192.0.2.0/24, {wrong}")
    assert str(refused.value).startswith(wrong)


@given(number=st.integers(0, 2**32 - 1), length=st.integers(0, 32), other=st.integers(0, 2**32 - 1))
def test_a_mapped_address_is_the_address(number: int, length: int, other: int) -> None:
    network = ip_network((number, length), strict=False)
    asked = IPv4Address(other)
    listed = addresses.networks(str(network))
    assert addresses.within(str(asked), listed) == (asked in network)
    assert addresses.within(f"::ffff:{asked}", listed) == (asked in network)
