"""What a browser may say: every frame is checked with strings alone."""

import json

import pytest
from cj.domain.frames import (
    MAX_BYTES,
    Frame,
    Message,
    OauthComplete,
    Ping,
    Resume,
    Retry,
    Start,
    Stop,
    addressed,
    parse_frame,
)
from cj.errors import BadFrame

ID = "0195d1a2-7f3b-4c6e-9a41-2d8f6b0c3e57"
CID = "1a6c0b94-58d2-4f7e-b3a9-c41e7d205f86"
TURN = "e3f7a815-0c2d-4b96-8f54-9ab1d36c7e02"


def frame(**members: object) -> str:
    return json.dumps({"v": 1, "id": ID, **members}, ensure_ascii=False)


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
    ("kind", "members"),
    [
        (Start, {"type": "start", "cid": CID, "after_seq": 7, "workflow": "ad_hoc_support"}),
        (Retry, {"type": "retry", "cid": CID, "of": ID}),
        (Retry, {"type": "retry", "cid": CID, "of": ID, "text": "better"}),
        (Stop, {"type": "stop", "cid": CID, "turn": TURN}),
        (Resume, {"type": "resume", "cid": CID, "after_seq": 0}),
        (Resume, {"type": "resume", "cid": CID, "after_seq": 2, "turn": TURN, "gen": 1, "i": 0}),
        (OauthComplete, {"type": "oauth_complete", "cid": CID}),
    ],
)
def test_every_frame_of_the_protocol_is_read_as_it_was_sent(
    kind: type[Frame], members: dict[str, object]
) -> None:
    parsed = parse_frame(frame(**members))
    assert type(parsed) is kind
    sent = {"v": 1, "id": ID, **members}
    assert parsed.model_dump(mode="json", exclude_unset=True) == sent


@pytest.mark.parametrize(
    "members",
    [
        {"type": "retry", "cid": CID},
        {"type": "retry", "cid": CID, "of": "last"},
        {"type": "retry", "cid": CID, "of": ID, "text": "  "},
        {"type": "stop", "cid": CID},
        {"type": "stop", "turn": TURN},
        {"type": "resume", "cid": CID},
        {"type": "resume", "after_seq": 1},
        {"type": "oauth_complete"},
        {"type": "message", "cid": CID},
        {"type": "start", "workflow": "../../x"},
        {"type": "start", "workflow": "a\n"},
        {"type": "start", "workflow": "x" * 65},
    ],
)
def test_a_frame_that_lacks_something_is_a_bad_request(members: dict[str, object]) -> None:
    assert refusal(frame(**members)).code == "bad_request"


def test_an_action_is_unsupported_while_there_are_no_workflows() -> None:
    action = frame(type="action", cid=CID, name="connect", data={})
    assert refusal(action).code == "unsupported"


def test_a_frame_at_the_limit_is_taken_and_one_byte_more_is_too_large() -> None:
    full = frame(type="ping")
    full += " " * (MAX_BYTES - len(full))
    assert isinstance(parse_frame(full), Ping)
    assert refusal(full + " ").code == "too_large"
    assert refusal(frame(type="ping"), frame_bytes=20).code == "too_large"
    assert refusal("\U0001f600" * (MAX_BYTES // 4 + 1)).code == "too_large"


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
        "[" * 24_000,
        '{"v": 1, "n": ' + "9" * 20_000 + "}",
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
def test_an_unknown_version_or_type_is_unsupported(
    members: dict[str, object],
) -> None:
    assert refusal(frame(**members)).code == "unsupported"


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
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("message", "id"),
        ("message", "cid"),
        ("message", "prev"),
        ("retry", "of"),
        ("stop", "turn"),
        ("resume", "turn"),
        ("oauth_complete", "cid"),
    ],
)
def test_only_a_uuid_is_an_id(kind: str, field: str, bad_id: object) -> None:
    if bad_id is None and (kind, field) in {("message", "prev"), ("resume", "turn")}:
        return  # what most of them leave out
    needed: dict[str, dict[str, object]] = {
        "message": {"text": "hi"},
        "retry": {"of": ID},
        "stop": {"turn": TURN},
        "resume": {"after_seq": 1},
    }
    members = {"type": kind, "cid": CID, **needed.get(kind, {}), field: bad_id}
    assert refusal(frame(**members)).code == "bad_request"


@pytest.mark.parametrize("number", [-1, 2**63, 2**31, "1; drop", 1e308, 1.0, True, "1", [1], {}])
@pytest.mark.parametrize("field", ["after_seq", "gen", "i"])
def test_a_number_is_a_small_whole_number(field: str, number: object) -> None:
    resume = {"type": "resume", "cid": CID, "after_seq": 1, "turn": TURN, "gen": 1, "i": 1}
    assert refusal(frame(**{**resume, field: number})).code == "bad_request"
    if field == "after_seq":
        assert refusal(frame(type="start", cid=CID, after_seq=number)).code == "bad_request"


@pytest.mark.parametrize(
    "members",
    [
        {"type": "ping"},
        {"type": "start"},
        {"type": "message", "cid": CID, "text": "hi"},
        {"type": "retry", "cid": CID, "of": ID},
        {"type": "stop", "cid": CID, "turn": TURN},
        {"type": "resume", "cid": CID, "after_seq": 1},
        {"type": "oauth_complete", "cid": CID},
    ],
)
def test_unknown_fields_are_refused_and_not_repeated(members: dict[str, object]) -> None:
    parse_frame(frame(**members))
    refused = refusal(frame(**members, shpat_secret="x"))
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
    assert refusal(frame(type="retry", cid=CID, of=ID, text=text)).code == "too_large"


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


@pytest.mark.parametrize(
    ("body", "re", "cid"),
    [
        (frame(type="dance", cid=CID), ID, CID),
        (frame(type="dance", cid=CID.upper()), ID, CID),
        (frame(type="ping", cid="shpat_secret"), ID, None),
        ('{"id": 7, "cid": 8}', None, None),
        ('{"id": "\\ud800", "cid": "' + "\\ud800" * 36 + '"}', None, None),
        ('{"id": "é"}', None, None),
        (json.dumps({"id": "x" * 64}), "x" * 64, None),
        (json.dumps({"id": "x" * 65}), None, None),
        ("[1]", None, None),
        ("nonsense", None, None),
        ("[" * 100_000, None, None),
    ],
)
def test_an_error_repeats_the_ids_of_a_broken_frame_where_they_can_be_sent(
    body: str, re: str | None, cid: str | None
) -> None:
    assert addressed(body) == (re, cid)
