"""What may be written down: fields on a list, and no text that looks like a secret."""

from __future__ import annotations

import ast
import io
import json
import logging
import secrets
import time
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from cj.domain.scrub import FIELDS, allowed, scrubbed
from cj.logs import Journal, log_of
from hypothesis import given
from hypothesis import strategies as st

CJ = Path(__file__).resolve().parents[2] / "layers/shared/cj"
CANARY = "c4n4ry"


@pytest.mark.parametrize(
    "text",
    [
        f"shpat_{CANARY}00",
        f"token was shprt_{CANARY}, refused",
        f"Authorization: Bearer {CANARY}.abc-def_ghi==",
        f"authorization: basic {CANARY}==",
        f"Cookie: a=b; cj_session={CANARY}; c=d",
        f"{{'cookie': '{CANARY}'}}",
        f"Set-Cookie: x={CANARY}; HttpOnly",
        f"__Host-cj_session={CANARY}",
        f"GET /callback?code={CANARY}&shop=x.myshopify.com",
        f"GET /callback?shop=x&hmac={CANARY}",
        f"state={CANARY}",
        f'{{"access_token": "{CANARY}"}}',
        f"{{'client_secret': '{CANARY}', 'a': 1}}",
        f"password={CANARY}",
        f"postgresql://cj_app:{CANARY}@db:5432/cj",
        f"rediss://:{CANARY}@cache:6379",
        f"mail to {CANARY}@example.com",
    ],
)
def test_what_looks_like_a_secret_is_not_written_down(text: str) -> None:
    assert CANARY not in scrubbed(text)
    assert CANARY not in scrubbed(json.dumps({"why": text}))


def test_a_bare_session_token_is_not_written_down() -> None:
    for _ in range(200):
        token = secrets.token_urlsafe(32)
        assert token not in scrubbed(f"the token {token} is unknown")


@pytest.mark.parametrize(
    "text",
    [
        "DATABASE_URL: is not set and this function needs it",
        "SHOPIFY_API_SECRET: is not set and this function needs it",
        "bad_request: A frame is one JSON object.",
        "id 01a1f6c2-7a3b-7c3d-8e4f-0123456789ab, 3 of 15",
        "GET /api/v1/conversations/{conversation_id}",
        '  File "flows/connect.py", line 131, in admit',
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_only_fields_on_the_list_and_numbers_leave() -> None:
    line = {"message": "hi", "seq": 3, "durable": True, "text": "Hello", "nested": {"a": 1}}
    assert allowed(line) == {"message": "hi", "seq": 3, "durable": True, "left_out": 2}


words = st.sampled_from(
    ["code=", "cookie: ", "Bearer ", "shpat_", "://", "@", "a.b", "'", "[", "]"]
)


@given(st.lists(words | st.text(max_size=5)).map("".join))
def test_what_is_scrubbed_stays_as_it_is(text: str) -> None:
    assert scrubbed(scrubbed(text)) == scrubbed(text)


def seconds(text: str) -> float:
    """The best of several, so that only the work counts."""
    best = float("inf")
    for _ in range(7):
        started = time.process_time()
        scrubbed(text)
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize("word", ["a", "a@", "a_", "key", "a."])
def test_a_long_text_takes_as_long_as_its_length(word: str) -> None:
    assert seconds(word * 40_000) < 60 * seconds(word * 2_000)  # 20 times; quadratic, 400


def test_tracebacks_are_scrubbed_too(capsys: pytest.CaptureFixture[str]) -> None:
    written = io.StringIO()
    with redirect_stdout(written):
        journal = Journal("test", "INFO")
        with journal.invocation("c1", connection_id="abc="):
            try:
                raise ValueError(f"shpat_{CANARY}") from RuntimeError(f"code={CANARY}")
            except ValueError:
                log_of("cj.test").exception("for %s", f"{CANARY}@example.com")
        logging.getLogger("asyncio").error("never retrieved: Bearer %s", CANARY)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert CANARY not in written.getvalue() + capsys.readouterr().err
    assert [line["level"] for line in lines] == ["ERROR", "ERROR"]
    assert "RuntimeError" in lines[0]["exception"]
    assert (lines[0]["correlation_id"], lines[0]["connection_id"]) == ("c1", "abc=")


def test_every_text_that_a_module_logs_by_name_is_on_the_list() -> None:
    """Names of numbers need no place there; `left_out` in a line tells of one that is missing."""
    numbers = {"seq", "last_seq", "attempts", "entries", "fence", "latency_ms", "retry_ms"}
    named = {
        key.value
        for path in CJ.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword)
        and node.arg == "extra"
        and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    assert named
    assert named - numbers <= FIELDS
