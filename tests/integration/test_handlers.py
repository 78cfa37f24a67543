"""Every handler, invoked with API Gateway's events, against real stores and a deaf AWS."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.integration.listening_aws import COOKIE, Functions

if TYPE_CHECKING:
    from tests.integration.listening_aws import Aws


def test_a_message_goes_the_whole_trail(functions: Functions, aws: Aws) -> None:
    functions.say("start")
    ready = aws.frames.pop()
    functions.say("message", cid=ready["cid"], text="Hello")
    ack = aws.frames.pop()
    assert (ack["type"], ack["durable"], ack["seq"]) == ("ack", True, 1)
    event = aws.events.pop()
    assert event["correlation_id"] == "socket-1"
    assert functions.invoke("turn_worker", event) == {"statusCode": 200}
    assert [frame["type"] for frame in aws.frames] == ["delta", "done"]
    told = list(aws.frames)
    assert functions.invoke("turn_worker", event) == {"statusCode": 200}
    assert aws.frames == told  # a second delivery says nothing
    status, page = functions.get("/api/v1/conversations")
    assert (status, [c["title"] for c in page["conversations"]]) == (200, ["Hello"])
    status, shown = functions.get(f"/api/v1/conversations/{ready['cid']}")
    assert [m["seq"] for m in shown["messages"]] == [1, 2]
    log = functions.close()
    assert '"correlation_id":"socket-1"' in log
    assert "Hello" not in log.replace("Hello!", "")


def test_the_cookie_is_bound_to_one_https_origin(functions: Functions) -> None:
    assert functions.cookie.startswith(f"{COOKIE}=")
    known = functions.cookie
    functions.get("/api/v1/session")
    assert functions.cookie == known


def test_a_socket_is_refused_without_session_or_origin(functions: Functions) -> None:
    assert functions.connect(Origin="https://cj.example.com.evil") == 403
    assert functions.connect(Cookie="") == 401
    assert functions.connect(Cookie=f"{COOKIE}=unknown") == 401
    assert functions.socket("ws_connect", headers={}) == 403


def test_a_frame_that_is_refused_gets_an_error_that_names_it(
    functions: Functions, aws: Aws
) -> None:
    assert functions.socket("ws_message", body="nonsense") == 200
    assert functions.say("message", cid=str(uuid4()), text="hello?") == 200
    assert [frame["code"] for frame in aws.frames] == ["bad_request", "not_found"]
    assert "re" not in aws.frames[0]
    assert "re" in aws.frames[1]


def test_a_forgotten_connection_has_to_come_back(functions: Functions, aws: Aws) -> None:
    assert functions.socket("ws_disconnect") == 200
    functions.say("ping")
    assert [(f["code"], f["retryable"]) for f in aws.frames] == [("unauthenticated", True)]


def test_a_browser_that_is_gone_is_forgotten_and_the_message_stays(
    functions: Functions, aws: Aws
) -> None:
    functions.say("start")
    cid = aws.frames.pop()["cid"]
    aws.gone.add("c1%3D")
    assert functions.say("message", cid=cid, text="still here?") == 200
    assert functions.say("ping") == 200
    aws.gone.clear()
    functions.say("ping")
    assert [f["code"] for f in aws.frames] == ["unauthenticated"]
    _, shown = functions.get(f"/api/v1/conversations/{cid}")
    assert [m["text"] for m in shown["messages"]] == ["still here?"]


@pytest.mark.parametrize(("statuses", "delivered"), [([429, 500], 1), ([429, 500, 503], 0)])
def test_a_post_is_tried_three_times(
    functions: Functions, aws: Aws, statuses: list[int], delivered: int
) -> None:
    aws.statuses = statuses
    functions.say("start")
    assert len(aws.frames) == delivered


def test_another_tab_is_told_what_was_said(functions: Functions, aws: Aws) -> None:
    functions.connect("c2=")
    functions.say("start")
    cid = aws.frames.pop()["cid"]
    functions.say("start", "c2=", cid=cid)
    aws.frames.clear()
    functions.say("message", cid=cid, text="Hello")
    assert sorted(frame["type"] for frame in aws.frames) == ["ack", "message"]


def test_with_postgresql_gone_the_answer_is_unavailable_and_never_empty(
    environ: dict[str, str], aws: Aws
) -> None:
    nowhere = "postgresql://cj_app:secret-word@127.0.0.1:9/cj"
    functions = Functions({**environ, "DATABASE_URL": nowhere})
    functions.cookie = f"{COOKIE}=any"
    assert functions.connect() == 503
    status, body = functions.get("/api/v1/conversations")
    assert (status, body["error"]["code"]) == (503, "unavailable")
    functions.say("ping")
    assert [(f["code"], f["retryable"]) for f in aws.frames] == [("unavailable", True)]
    assert "secret-word" not in functions.close()


def test_with_redis_gone_everything_still_works(environ: dict[str, str], aws: Aws) -> None:
    functions = Functions({**environ, "REDIS_URL": "redis://127.0.0.1:9"})
    functions.get("/api/v1/session")
    assert functions.connect() == 200
    functions.say("start")
    functions.say("message", cid=aws.frames.pop()["cid"], text="Hello")
    functions.invoke("turn_worker", aws.events.pop())
    assert [frame["type"] for frame in aws.frames] == ["ack", "delta", "done"]
    functions.close()


def test_the_archiver_says_what_it_deleted_and_migrate_has_nothing_left(
    functions: Functions,
) -> None:
    swept = functions.invoke("archiver", {})
    assert swept.pop("complete") is True
    assert set(swept.values()) == {0}
    assert functions.invoke("migrate", {}) == {"applied": []}


@pytest.mark.parametrize(
    "when",
    ["tampered", "2026-11-01T00:00:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00+23:59"],
)
def test_a_cursor_that_no_page_gave_out_is_a_bad_request(functions: Functions, when: str) -> None:
    cursor = base64.urlsafe_b64encode(f"{when}|{uuid4()}".encode()).decode()
    status, body = functions.get("/api/v1/conversations", f"cursor={cursor}")
    assert (status, body["error"]["code"]) == (400, "bad_request")


def test_a_tab_that_comes_in_the_middle_is_told_what_was_said_so_far(
    functions: Functions, aws: Aws
) -> None:
    functions.say("start")
    cid = aws.frames.pop()["cid"]
    functions.say("message", cid=cid, text="Hello")
    functions.say("start", cid=cid)
    ready = aws.frames.pop()
    event = aws.events.pop()
    running = {"id": event["turn"], "gen": event["fence"]}
    assert ready["turn"] == {**running, "from": 0, "i": 0, "text": ""}


def test_a_hand_made_event_is_refused_by_the_worker(functions: Functions, aws: Aws) -> None:
    event = {"cid": str(uuid4()), "turn": str(uuid4()), "fence": 1}
    assert functions.invoke("turn_worker", event) == {"statusCode": 200}
    assert functions.invoke("turn_worker", {"cid": "' or 1=1"}) == {"raised": "JobFailed"}
    assert aws.frames == []


def test_a_function_with_a_wrong_setting_says_which(environ: dict[str, str]) -> None:
    functions = Functions({**environ, "REDIS_URL": "cache:6379"})
    assert functions.invoke("archiver", {}) == {"raised": "SettingsInvalid"}
    functions.close()
