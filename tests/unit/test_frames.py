"""What a browser may say: every frame is checked with strings alone."""

import json
from uuid import uuid4

import pytest
from cj.domain.frames import Message, Ping, Start, client_id, parse_frame
from cj.errors import BadFrame
from hypothesis import given
from hypothesis import strategies as st

ID, CID = str(uuid4()), str(uuid4())


def frame(**members: object) -> str:
    return json.dumps({"v": 1, "id": ID, **members})


def refusal(body: str, **limits: int) -> BadFrame:
    with pytest.raises(BadFrame) as refused:
        parse_frame(body, **limits)
    return refused.value


def test_a_message_carries_its_text_and_ids() -> None:
    parsed = parse_frame(frame(type="message", cid=CID, text="hello", prev=ID))
    assert isinstance(parsed, Message)
    assert (str(parsed.id), str(parsed.cid), parsed.text, str(parsed.prev)) == (
        ID,
        CID,
        "hello",
        ID,
    )


@pytest.mark.parametrize("name", ["start", "start_conversation"])
def test_start_has_an_alias_and_ignores_who_the_page_says_it_is(name: str) -> None:
    parsed = parse_frame(frame(type=name, user_id="usr_1", merchant_id={"any": "thing"}))
    assert isinstance(parsed, Start)
    assert parsed.cid is None
    assert "user_id" not in parsed.model_dump()


def test_a_ping_is_a_ping() -> None:
    assert isinstance(parse_frame(frame(type="ping")), Ping)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "[]",
        "1",
        "null",
        "NaN",
        '{"a": NaN}',
        '{"id": 1, "id": 2}',
        '{"v": 1, "type": "ping", "id": "\ud800"}',
        '{"v": 1, "type": "ping", "id": "\\ud800"}',
        "[" * 5_000 + "]" * 5_000,
        "[" * 500_000,
        '{"v": 1, "n": ' + "9" * 100_000 + "}",
        '{"a":' * 21 + "1" + "}" * 21,
    ],
)
def test_what_is_not_one_json_object_is_a_bad_request(body: str) -> None:
    assert refusal(body).code == "bad_request"


@pytest.mark.parametrize(
    "members",
    [
        {"v": 99, "type": "ping"},
        {"v": None, "type": "ping"},
        {"v": "1", "type": "ping"},
        {"v": True, "type": "ping"},
        {"type": "dance"},
        {"type": None},
        {"type": ["ping"]},
        {},
    ],
)
def test_an_unknown_version_or_type_is_unsupported_and_names_the_frame(
    members: dict[str, object],
) -> None:
    refused = refusal(frame(**members))
    assert (refused.code, refused.re) == ("unsupported", ID)


@pytest.mark.parametrize(
    "bad_id",
    [
        "x" * 10_240,
        "'; drop table messages; --",
        "{" + ID + "}",
        "urn:uuid:" + ID,
        ID.replace("-", ""),
        "../../etc/passwd",
        "",
        7,
        None,
        "z" * 36,
    ],
)
@pytest.mark.parametrize("field", ["id", "cid", "prev"])
def test_only_a_uuid_is_an_id(field: str, bad_id: object) -> None:
    body = {"v": 1, "id": ID, "cid": CID, "type": "message", "text": "hi", field: bad_id}
    if field == "prev" and bad_id is None:
        return  # no `prev` is what most messages have
    assert refusal(json.dumps(body)).code == "bad_request"


@pytest.mark.parametrize("after_seq", [-1, 2**63, 2**31, "1; drop", 1e308, 1.5, True, "1", [1]])
def test_after_seq_is_a_small_whole_number(after_seq: object) -> None:
    body = frame(type="start", cid=CID, after_seq=after_seq)
    assert refusal(body).code == "bad_request"


def test_unknown_fields_are_refused_and_not_repeated() -> None:
    refused = refusal(frame(type="ping", shpat_secret="x"))
    assert refused.code == "bad_request"
    assert "shpat_secret" not in str(refused)


@pytest.mark.parametrize("text", ["", "   \n", "a\0b"])
def test_a_message_needs_text_that_can_be_stored(text: str) -> None:
    assert refusal(frame(type="message", cid=CID, text=text)).code == "bad_request"


@pytest.mark.parametrize(
    "text", ["a" * 8_001, "\U0001f600" * 5_001, "\x1b" * 8_000], ids=["chars", "bytes", "escapes"]
)
def test_a_long_text_is_too_large(text: str) -> None:
    assert refusal(frame(type="message", cid=CID, text=text)).code == "too_large"


@pytest.mark.parametrize(
    "text", ["a" * 8_000, "\U0001f600" * 5_000, '"' * 8_000, "\n" * 7_999 + "x"]
)
def test_a_text_at_the_limit_is_taken(text: str) -> None:
    parsed = parse_frame(frame(type="message", cid=CID, text=text))
    assert isinstance(parsed, Message)
    assert parsed.text == text


def test_the_limits_can_be_set() -> None:
    body = frame(type="message", cid=CID, text="four")
    assert refusal(body, text_chars=3).code == "too_large"
    assert refusal(body, text_bytes=3).code == "too_large"


@pytest.mark.parametrize(
    "text", ["{{7*7}}", "${jndi:ldap://x}", "<script>alert(1)</script>", "\x1b[31mred", "a\r\nb"]
)
def test_text_is_taken_as_it_is(text: str) -> None:
    parsed = parse_frame(frame(type="message", cid=CID, text=text))
    assert isinstance(parsed, Message)
    assert parsed.text == text


def test_text_is_composed_so_that_equal_words_are_equal() -> None:
    parsed = parse_frame(frame(type="message", cid=CID, text="cafe\u0301"))
    assert isinstance(parsed, Message)
    assert parsed.text == "caf\u00e9"


def test_a_complaint_never_quotes_what_was_sent() -> None:
    refused = refusal(frame(type="start", cid="shpat_secret"))
    assert "shpat_secret" not in refused.message


def test_the_clients_id_of_a_broken_frame_is_found_or_none() -> None:
    assert client_id(frame(type="dance")) == ID
    assert client_id('{"id": 7}') is None
    assert client_id("[1]") is None
    assert client_id("nonsense") is None
    assert client_id(json.dumps({"id": "x" * 65})) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.text()
    | json_values.map(json.dumps)
    | st.fixed_dictionaries(
        {"v": st.just(1) | json_values, "type": st.sampled_from(["start", "message", "ping"])},
        optional={"id": json_values, "cid": json_values, "text": json_values, "prev": json_values},
    ).map(json.dumps)
)
def test_nonsense_is_a_frame_or_a_bad_frame_and_nothing_else(body: str) -> None:
    try:
        parse_frame(body)
    except BadFrame as refused:
        assert refused.code in {"bad_request", "unsupported", "too_large"}
