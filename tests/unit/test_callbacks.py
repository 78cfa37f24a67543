"""The callback: each wrong input gets its own status, in the order of the checks."""

import pytest
from cj.domain.callbacks import Callback, CallbackRefused, read_callback
from cj.domain.signatures import sign_query

SECRET = "hush"
NOW = 1_700_000_000
GOOD = {"code": "c0de", "shop": "A.myshopify.com", "state": "57a7e", "timestamp": str(NOW)}


def signed(**changed: str | None) -> list[tuple[str, str]]:
    """A query as Shopify signs it; None leaves one out."""
    kept = {k: v for k, v in {**GOOD, **changed}.items() if v is not None}
    return [*kept.items(), ("hmac", sign_query(kept, SECRET))]


def refusal(query: list[tuple[str, str]], now: float = NOW) -> tuple[str, int]:
    with pytest.raises(CallbackRefused) as caught:
        read_callback(query, [SECRET], now)
    assert caught.value.message.endswith("Start the connection again from CJ.")
    return caught.value.code, caught.value.status


def test_a_good_callback_is_read() -> None:
    read = read_callback(signed(), ["new", SECRET], NOW)
    assert read == Callback("a.myshopify.com", "c0de", "57a7e")
    assert "c0de" not in repr(read)
    assert "57a7e" not in repr(read)


def test_a_callback_without_a_state_is_left_to_the_stored_rows() -> None:
    assert read_callback(signed(state=None), [SECRET], NOW).state == ""


@pytest.mark.parametrize("name", ["code", "shop", "hmac", "state", "timestamp", "host"])
def test_a_parameter_twice_is_refused(name: str) -> None:
    query = [*signed(host="h"), (name, "again")]
    assert refusal(query) == ("repeated_parameter", 400)


@pytest.mark.parametrize("shop", [None, "", "evil.com", "a.myshopify.com.evil.com", "a\n"])
def test_another_shop_is_refused_even_when_signed(shop: str | None) -> None:
    assert refusal(signed(shop=shop)) == ("invalid_shop", 400)


def test_a_missing_signature_is_refused() -> None:
    assert refusal(list(GOOD.items())) == ("hmac_missing", 400)
    assert refusal([*GOOD.items(), ("hmac", "")]) == ("hmac_missing", 400)


@pytest.mark.parametrize("wrong", ["0" * 64, "A" * 64, "0", "é" * 64, "\ud800"])
def test_a_wrong_signature_is_refused(wrong: str) -> None:
    assert refusal([*GOOD.items(), ("hmac", wrong)]) == ("hmac_wrong", 401)


@pytest.mark.parametrize(
    "timestamp",
    [
        *(None, "", "NaN", "inf", "123.45", "1e9", "-1", "+1700000000", " 1700000000", "٣"),
        *("1_700_000_000", "9" * 5000, f"{NOW}\n", str(NOW - 91), str(NOW + 91)),
        str(NOW - 86_400),
    ],
)
def test_a_time_that_is_none_or_not_now_is_refused(timestamp: str | None) -> None:
    assert refusal(signed(timestamp=timestamp)) == ("timestamp_wrong", 400)


@pytest.mark.parametrize("seconds", [-90, 0, 90])
def test_ninety_seconds_either_way_are_good(seconds: int) -> None:
    assert read_callback(signed(timestamp=str(NOW + seconds)), [SECRET], NOW).code == "c0de"


@pytest.mark.parametrize("code", [None, "", "a b", "é", "c" * 513])
def test_a_callback_without_a_usable_code_is_refused(code: str | None) -> None:
    assert refusal(signed(code=code)) == ("code_missing", 400)


def test_a_merchant_who_said_no_is_told_so() -> None:
    assert refusal(signed(code=None, error="access_denied")) == ("denied", 400)


def test_the_checks_come_in_their_order() -> None:
    everything_wrong = [("shop", "evil.com"), ("timestamp", "x"), ("hmac", "0")]
    assert refusal([*everything_wrong, ("shop", "b")])[0] == "repeated_parameter"
    assert refusal(everything_wrong)[0] == "invalid_shop"
    assert refusal([("shop", GOOD["shop"]), *everything_wrong[1:]])[0] == "hmac_wrong"
    assert refusal(signed(timestamp="x", code=None))[0] == "timestamp_wrong"
