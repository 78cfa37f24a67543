"""Who is let in, and for how long: sessions, limits, bad frames, while everything works."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import redis

from tests.integration.listening_aws import COOKIE, ORIGIN, Functions
from tests.integration.statements import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cj.store import Database

    from tests.integration.listening_aws import Aws

BROWSER = {"origin": ORIGIN}


@pytest.fixture
def look(redis_url: str) -> Iterator[redis.Redis]:
    """The test's own look into Redis."""
    with closing(redis.Redis.from_url(redis_url, decode_responses=True)) as client:
        yield client


def hash_of(functions: Functions) -> str:
    return hashlib.sha256(functions.cookie.partition("=")[2].encode()).hexdigest()


def grow_old(look: redis.Redis, functions: Functions, seconds: float) -> None:
    """What Redis knows of the session is that much older now."""
    key = f"sess:{hash_of(functions)}"
    look.hset(key, "at", str(float(look.hget(key, "at") or 0) - seconds))


def codes(aws: Aws) -> list[str]:
    told = [frame.get("code", frame["type"]) for frame in aws.frames]
    aws.frames.clear()
    return told


async def test_a_session_that_is_over_is_noticed_within_half_a_minute(
    functions: Functions, aws: Aws, own_db: Database, look: redis.Redis
) -> None:
    await own_db.execute(sql("UPDATE web_sessions SET expires_at = clock_timestamp()"))
    functions.say("ping")
    assert codes(aws) == ["pong"]
    grow_old(look, functions, 31)
    functions.say("ping")
    assert codes(aws) == ["unauthenticated"]
    assert aws.closed == ["c1="]
    assert functions.connect("c2=") == 401


def test_a_frame_of_a_known_caller_costs_no_statement_and_two_looks_into_redis(
    functions: Functions, aws: Aws, look: redis.Redis
) -> None:
    functions.say("ping")
    before = look.info("commandstats")
    for _ in range(10):
        functions.say("ping")
    after = look.info("commandstats")
    calls = {
        name.removeprefix("cmdstat_"): stats["calls"] - before.get(name, {"calls": 0})["calls"]
        for name, stats in after.items()
    }
    calls.pop("info", None)
    assert {name: count for name, count in calls.items() if count} == {"hgetall": 20, "get": 10}


async def test_a_frame_of_a_known_caller_asks_postgresql_nothing(
    functions: Functions, aws: Aws, overseer: Database
) -> None:
    last = sql("SELECT query_start FROM pg_stat_activity WHERE application_name = 'cj-test'")
    before = await overseer.row(last)
    assert before is not None
    for _ in range(10):
        functions.say("ping")
    assert codes(aws) == ["pong"] * 10
    assert await overseer.row(last) == before
    functions.say("start")
    assert await overseer.row(last) != before


def test_ten_frames_in_a_row_that_make_no_sense_end_the_connection(
    functions: Functions, aws: Aws
) -> None:
    def nonsense(times: int) -> None:
        for _ in range(times):
            functions.socket("ws_message", body="nonsense")

    nonsense(9)
    functions.say("ping")  # starts the row anew
    nonsense(9)
    assert aws.closed == []
    nonsense(1)
    assert aws.closed == ["c1="]
    assert codes(aws) == ["bad_request"] * 9 + ["pong"] + ["bad_request"] * 10


def test_an_error_names_the_frame_and_the_conversation(functions: Functions, aws: Aws) -> None:
    functions.say("start")
    cid = aws.frames.pop()["cid"]
    body = json.dumps({"v": 1, "id": "my-frame", "type": "message", "cid": cid, "text": ""})
    functions.socket("ws_message", body=body)
    functions.socket("ws_message", body=body.replace(cid, "somewhere"))
    functions.socket("ws_message", body=body.replace("my-frame", "\\ud800"))
    about = [(frame.get("re"), frame.get("cid")) for frame in aws.frames]
    assert about == [("my-frame", cid), ("my-frame", None), (None, cid)]


def test_one_connect_too_many_of_a_session_has_to_wait(environ: dict[str, str]) -> None:
    functions = Functions({**environ, "LIMIT_SESSION_CONNECTS_PER_MINUTE": "3"})
    functions.get("/api/v1/session")
    assert [functions.connect(f"c{n}=") for n in range(4)] == [200, 200, 200, 429]
    functions.cookie = ""
    functions.get("/api/v1/session")
    assert functions.connect("other=") == 200
    functions.close()


def test_one_connect_too_many_from_an_address_has_to_wait(environ: dict[str, str]) -> None:
    functions = Functions({**environ, "LIMIT_ADDRESS_CONNECTS_PER_MINUTE": "3"})
    functions.get("/api/v1/session")
    knocks = [functions.connect(f"c{n}=", Cookie=f"{COOKIE}=guess{n}") for n in range(3)]
    assert knocks == [401, 401, 401]
    assert functions.connect("mine=") == 429
    assert functions.connect("mine=", address="192.0.2.2") == 200
    functions.close()


def test_who_leaves_is_out_everywhere_at_once(functions: Functions, aws: Aws) -> None:
    functions.connect("c2=")
    functions.say("ping")
    kept = functions.cookie
    reply = functions.http("DELETE", "/api/v1/session", **BROWSER)
    assert reply["statusCode"] == 204
    (cleared,) = reply["cookies"]
    assert cleared.startswith(f'{COOKIE}="";')
    assert "Max-Age=0" in cleared
    assert sorted(aws.closed) == ["c1=", "c2="]
    functions.cookie = kept
    functions.say("ping")
    assert codes(aws) == ["pong", "unauthenticated"]
    assert functions.connect("c3=") == 401
    assert functions.get("/api/v1/conversations")[0] == 401
    assert functions.http("DELETE", "/api/v1/session", **BROWSER)["statusCode"] == 204


def test_who_was_never_here_may_leave(functions: Functions, aws: Aws) -> None:
    functions.cookie = ""
    assert functions.http("DELETE", "/api/v1/session", **BROWSER)["statusCode"] == 204
    functions.cookie = f"{COOKIE}=unknown"
    assert functions.http("DELETE", "/api/v1/session", **BROWSER)["statusCode"] == 204
    assert aws.closed == []


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}, {"origin": f"{ORIGIN}.evil"}])
def test_only_our_own_page_signs_anybody_out(
    functions: Functions, aws: Aws, headers: dict[str, str]
) -> None:
    reply = functions.http("DELETE", "/api/v1/session", **headers)
    assert reply["statusCode"] == 403
    assert "cookies" not in reply or reply["cookies"] == []
    functions.say("ping")
    assert codes(aws) == ["pong"]
