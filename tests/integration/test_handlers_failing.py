"""What an operator sees, and what nobody sees, when something is wrong inside."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.integration.listening_aws import COOKIE, ORIGIN, Functions
from tests.integration.statements import BEGIN, sql, until

if TYPE_CHECKING:
    from typing import Any

    from cj.store import Database

    from tests.integration.listening_aws import Aws

CONTEXT = {"connectionId": "c1=", "requestId": "socket-1"}
REQUEST = {"method": "GET", "path": "/api/v1/session", "sourceIp": "127.0.0.1", "protocol": "h"}
EVENTS: dict[str, dict[str, Any]] = {
    "ws_connect": {"requestContext": CONTEXT, "headers": {}},
    "ws_message": {"requestContext": CONTEXT, "body": "{}"},
    "ws_disconnect": {"requestContext": CONTEXT},
    "turn_worker": {"cid": str(uuid4()), "turn": str(uuid4()), "fence": 1},
    "archiver": {},
    "migrate": {},
    "api": {
        "version": "2.0",
        "routeKey": "GET /api/v1/session",
        "rawPath": "/api/v1/session",
        "rawQueryString": "",
        "headers": {"host": "cj.example.com"},
        "requestContext": {"requestId": "http-1", "http": REQUEST},
        "isBase64Encoded": False,
    },
}
NEEDED = {
    "ws_connect": "DATABASE_URL",
    "ws_message": "WS_API_ENDPOINT",
    "ws_disconnect": "DATABASE_URL",
    "turn_worker": "TURN_WORKER_FUNCTION",
    "archiver": "DATABASE_URL",
    "migrate": "DATABASE_MIGRATION_URL",
    "api": "DATABASE_URL",
}


def complaints(log: str) -> list[dict[str, Any]]:
    """What was logged, line by line: a line that is no JSON is a traceback, and fails."""
    return [json.loads(line) for line in log.splitlines()]


@pytest.mark.parametrize("function", EVENTS)
@pytest.mark.parametrize("wrong", ["REDIS_URL", "one that it needs"])
def test_a_setting_that_is_wrong_is_one_line_that_names_it(
    environ: dict[str, str], function: str, wrong: str
) -> None:
    name = wrong if wrong == "REDIS_URL" else NEEDED[function]
    broken = {**environ, name: "hunter2" if name == "REDIS_URL" else ""}
    if name == "WS_API_ENDPOINT":
        broken["DATABASE_URL"] = broken["TURN_WORKER_FUNCTION"] = ""
    functions = Functions(broken)
    answer = functions.invoke(function, EVENTS[function])
    log = functions.close()
    (line,) = [entry for entry in complaints(log) if entry["level"] == "CRITICAL"]
    assert line["setting"].startswith(name)
    assert "hunter2" not in log + json.dumps(answer)
    assert "Traceback" not in log
    if function in {"turn_worker", "archiver", "migrate"}:
        assert answer == {"raised": "SettingsInvalid"}  # whoever invoked sees the failure
    else:
        assert answer["statusCode"] == 500
        assert name not in json.dumps(answer)


async def test_a_frame_that_takes_too_long_says_so_and_its_message_is_not_lost(
    functions: Functions, aws: Aws, own_db: Database, overseer: Database
) -> None:
    functions.say("start")
    cid = aws.frames.pop()["cid"]
    frame = {"v": 1, "id": str(uuid4()), "type": "message", "cid": cid, "text": "Hello"}
    event = {"requestContext": CONTEXT, "body": json.dumps(frame)}
    await own_db.execute(BEGIN)
    await own_db.execute(sql("SELECT 1 FROM conversations FOR UPDATE"))
    saying = asyncio.create_task(asyncio.to_thread(functions.invoke, "ws_message", event, 7_300))
    waiting = sql(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'cj-test'"
        " AND wait_event_type = 'Lock' AND clock_timestamp() > query_start + interval '0.4 s'"
    )
    await until(lambda: overseer.row(waiting), "the time to be over")
    await own_db.execute(sql("COMMIT"))
    await saying
    (error,) = aws.frames
    assert (error["code"], error["re"], error["retryable"]) == ("timeout", frame["id"], True)
    functions.invoke("ws_message", event)
    assert (aws.frames[1]["dup"], aws.frames[1]["seq"]) == (True, 1)


CANARY = "c4n4ry"
SECRETS = (
    f"shpat_{CANARY}",
    f"Bearer {CANARY}",
    f"code={CANARY}&hmac={CANARY}",
    f"{CANARY}@example.com",
)


def test_no_secret_reaches_the_log_or_the_browser_whatever_goes_wrong(
    environ: dict[str, str], aws: Aws
) -> None:
    functions = Functions(environ)
    functions.get("/api/v1/session")
    functions.connect()
    kept = functions.cookie
    functions.say("start")
    cid = aws.frames.pop()["cid"]
    for secret in SECRETS:
        functions.say("message", cid=cid, text=secret)
        functions.say(secret, cid=secret, workflow=secret, **{secret: secret})
        functions.socket("ws_message", body=f'{{"id": "{secret}", {secret}')
        functions.socket("ws_connect", headers={"Origin": secret, "Cookie": f"{COOKIE}={secret}"})
        functions.socket("ws_connect", headers={"Origin": ORIGIN, "Cookie": f"{COOKIE}={secret}"})
        functions.invoke("turn_worker", {"cid": cid, "turn": secret, "fence": secret})
        functions.invoke("turn_worker", {"cid": secret, "turn": cid, "fence": 1})
        cursor = base64.urlsafe_b64encode(secret.encode()).decode()
        functions.http("GET", "/api/v1/conversations", f"cursor={cursor}&code={CANARY}")
        functions.http("GET", f"/api/v1/conversations/{secret}")
        functions.http("DELETE", "/api/v1/session", origin=secret, authorization=secret)
    for event in aws.events:
        functions.invoke("turn_worker", event)
    broken = Functions({**environ, "DATABASE_URL": f"postgresql://x:{CANARY}@127.0.0.1:9/cj"})
    broken.cookie = kept
    broken.connect()
    broken.say("ping")
    log = functions.close() + broken.close()
    assert CANARY not in log
    assert kept.partition("=")[2] not in log
    assert [frame for frame in aws.frames if frame.get("message", "").count(CANARY)] == []
