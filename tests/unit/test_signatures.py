"""What Shopify signs: its own examples, rotations, and whatever else may stand there."""

import base64
import hmac

import pytest
from cj.domain.signatures import (
    body_is_signed,
    canonical_query,
    query_is_signed,
    sign_body,
    sign_query,
)
from hypothesis import given
from hypothesis import strategies as st

SECRET, OLD = "hush", "hush before"
QUERY = {
    "code": "0907a61c0c8d55e99db179b68161bc00",
    "shop": "some-shop.myshopify.com",
    "state": "0.6784241404160823",
    "timestamp": "1337178173",
}
SIGNED = {**QUERY, "hmac": sign_query(QUERY, SECRET)}


def test_shopifys_own_example_is_met() -> None:
    example = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "shop": "some-shop.myshopify.com",
        "timestamp": "1337178173",
        "hmac": "4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20",
    }
    assert query_is_signed(example, ["hush"])


def test_the_signed_text_is_sorted_and_encoded_and_without_the_signature() -> None:
    text = canonical_query({"b": "a*b-c.d_e~f/g h&i=j%", "a": "ü", "hmac": "x", "signature": "y"})
    assert text == "a=%C3%BC&b=a*b-c.d_e%7Ef%2Fg%20h%26i%3Dj%25"


def test_a_name_cannot_pretend_to_be_two() -> None:
    assert canonical_query({"a=1&b": "2"}) != canonical_query({"a": "1", "b": "2"})


def test_a_signature_made_with_the_previous_secret_is_good_during_a_rotation() -> None:
    before = {**QUERY, "hmac": sign_query(QUERY, OLD)}
    assert query_is_signed(before, [SECRET, OLD])
    assert not query_is_signed(before, [SECRET])


@pytest.mark.parametrize(
    "given_hmac",
    [
        SIGNED["hmac"][:-1] + ("0" if SIGNED["hmac"][-1] != "0" else "1"),
        SIGNED["hmac"].upper(),
        SIGNED["hmac"][:-1],
        SIGNED["hmac"] + "0",
        SIGNED["hmac"] + "\n",
        "g" * 64,
        "é" * 64,
        "\ud800" * 64,
        "٠" * 64,  # digits, but no ASCII ones
        "",
    ],
)
def test_any_other_signature_is_none(given_hmac: str) -> None:
    assert query_is_signed(SIGNED, [SECRET])
    assert not query_is_signed({**SIGNED, "hmac": given_hmac}, [SECRET])


def test_a_query_without_a_signature_is_not_signed() -> None:
    assert not query_is_signed(QUERY, [SECRET])


@pytest.mark.parametrize("name", QUERY)
def test_every_signed_parameter_counts(name: str) -> None:
    assert not query_is_signed({**SIGNED, name: SIGNED[name] + "x"}, [SECRET])


@given(st.dictionaries(st.text(st.characters()), st.text(st.characters())))
def test_no_query_raises(query: dict[str, str]) -> None:
    assert not query_is_signed({**query, "hmac": "0" * 64}, [SECRET])


def test_a_webhook_is_known_by_its_raw_body() -> None:
    body = b'{"id": 1}'
    signature = sign_body(body, SECRET)
    assert base64.b64decode(signature) == hmac.digest(b"hush", body, "sha256")
    assert body_is_signed(body, signature, [SECRET])
    assert body_is_signed(body, sign_body(body, OLD), [SECRET, OLD])
    assert not body_is_signed(body + b" ", signature, [SECRET])


@pytest.mark.parametrize(
    "signature", [None, "", "x", "é", "\ud800", sign_body(b"a", SECRET)[:-1], sign_body(b"a", "no")]
)
def test_a_webhook_with_any_other_signature_is_refused(signature: str | None) -> None:
    assert not body_is_signed(b"a", signature, [SECRET])


def test_an_empty_body_was_never_signed() -> None:
    assert not body_is_signed(b"", sign_body(b"", SECRET), [SECRET])
