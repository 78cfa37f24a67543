"""Ids: version and variant as RFC 9562 says, sorted by time, owners recognisable."""

from uuid import UUID

import pytest
from cj.domain.ids import anonymous_owner_id, new_id, user_id
from hypothesis import given
from hypothesis import strategies as st

MOMENTS = st.integers(0, 2**48 - 1)
RANDOM = st.binary(min_size=10, max_size=10)


def test_the_rfcs_own_example_is_met() -> None:
    # RFC 9562, appendix A.6: rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F
    tail = (0xCC3 << 68 | 0x18C4DC0C0C07398F).to_bytes(10)
    assert new_id(0x017F22E279B0, tail) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(MOMENTS, RANDOM)
def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond(ms: int, tail: bytes) -> None:
    made = new_id(ms, tail)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == ms


@given(MOMENTS, MOMENTS, RANDOM, RANDOM)
def test_ids_sort_by_their_moment(a: int, b: int, tail_a: bytes, tail_b: bytes) -> None:
    if a != b:
        assert (new_id(a, tail_a) < new_id(b, tail_b)) == (a < b)


def test_two_ids_made_at_once_differ() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


def test_an_anonymous_owner_is_sixteen_random_bytes() -> None:
    assert anonymous_owner_id(bytes(range(16))) == "anon_000102030405060708090a0b0c0d0e0f"
    assert anonymous_owner_id() != anonymous_owner_id()


def test_a_user_id_is_the_start_of_the_shops_digest() -> None:
    assert user_id("cool-shop.myshopify.com") == "usr_a61ccd15"
    assert user_id("cool-shop.myshopify.com", 16).startswith("usr_a61ccd15")
    assert len(user_id("cool-shop.myshopify.com", 12)) == len("usr_") + 12


def test_a_user_id_has_one_of_three_lengths() -> None:
    with pytest.raises(ValueError, match="8, 12 or 16"):
        user_id("cool-shop.myshopify.com", 9)
