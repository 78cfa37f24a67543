"""Which address a limit counts: CloudFront is believed beside its secret, and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cj.domain.addresses import counted_address
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    import ipaddress

EDGE = "192.0.2.1"
SECRETS = ("the-new-one", "the-one-before")


def counted(viewer: str, secret: str = SECRETS[0], seen: str = EDGE) -> str:
    headers = {"cloudfront-viewer-address": viewer, "x-origin-secret": secret}
    return counted_address(seen, headers, SECRETS)


@pytest.mark.parametrize(
    ("viewer", "address"),
    [
        ("198.51.100.10:46532", "198.51.100.10"),
        ("198.51.100.10:1", "198.51.100.10"),
        ("2001:db8:1:2:3:4:5:6:46532", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]:46532", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9:46532", "2001:db8:1:2::/64"),
        ("[2001:db8::]:443", "2001:db8::/64"),
        ("::1:443", "::/64"),
        ("::ffff:198.51.100.10:46532", "198.51.100.10"),
        ("[::ffff:c633:640a]:46532", "198.51.100.10"),
    ],
)
def test_the_browser_s_own_address_counts(viewer: str, address: str) -> None:
    assert counted(viewer) == address


def test_all_addresses_of_one_ipv6_network_count_as_one_and_those_of_the_next_do_not() -> None:
    one = {counted(f"2001:db8:1:2:{n:x}::{n:x}:443") for n in range(1, 50)}
    assert one == {"2001:db8:1:2::/64"}
    assert counted("2001:db8:1:3::1:443") not in one


@pytest.mark.parametrize(
    "nonsense",
    [
        *("", "198.51.100.10", "198.51.100.10:", ":443", "198.51.100.10:port", "unknown"),
        *("198.51.100.10:443, 198.51.100.11:443", " 198.51.100.10:443", "198.51.100.10:443\n"),
        *("198.51.100.256:443", "198.051.100.10:443", "198.51.100.10:٤٤٣", "198.51.100.10:123456"),
        *("2001:db8::1", "[2001:db8::1]", "[2001:db8::1:443", "2001:db8::1]:443", "[]:443"),
        *("1:2:3:4:5:6:7:8:9:443", "[fe80::1%eth0]:443", "é:443", ":" * 5000, "\ud800"),
    ],
)
def test_what_is_no_address_leaves_what_api_gateway_saw(nonsense: str) -> None:
    assert counted(nonsense) == EDGE


@pytest.mark.parametrize("secret", ["", "guessed", "the-new-on", "the-new-one ", "é", "\ud800"])
def test_without_the_secret_the_header_is_ignored(secret: str) -> None:
    assert counted("198.51.100.10:46532", secret) == EDGE


def test_the_secret_before_is_good_while_it_is_replaced() -> None:
    assert counted("198.51.100.10:46532", SECRETS[1]) == "198.51.100.10"


@pytest.mark.parametrize("secrets", [(), ("the-new-one",)])
def test_a_request_with_neither_header_counts_by_what_api_gateway_saw(
    secrets: tuple[str, ...],
) -> None:
    assert counted_address(EDGE, {}, secrets) == EDGE


def test_where_no_secret_is_set_nobody_is_believed() -> None:
    for given_secret in ("", "the-new-one"):
        headers = {"cloudfront-viewer-address": "198.51.100.10:1", "x-origin-secret": given_secret}
        assert counted_address(EDGE, headers, ()) == EDGE


@pytest.mark.parametrize(
    ("seen", "address"),
    [
        ("198.51.100.10", "198.51.100.10"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_what_api_gateway_saw_counts_in_the_same_way(seen: str, address: str) -> None:
    assert counted_address(seen, {}, SECRETS) == address


@given(st.ip_addresses(), st.integers(1, 65535))
def test_every_address_is_understood_with_brackets_and_without(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    bare = counted(f"{address}:{port}")
    assert bare == counted(f"[{address}]:{port}") == counted("", seen=str(address))
    assert bare != EDGE or str(address) == EDGE


@given(st.text(), st.text())
def test_nothing_a_header_may_hold_raises(viewer: str, secret: str) -> None:
    assert counted(viewer, secret)
