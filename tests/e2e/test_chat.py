"""A message from the browser's socket to PostgreSQL and back, through everything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import boto3
import pytest
import websockets

from tests.e2e.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.running import Running


def operator(cj: Running, service: str, path: str = "") -> Any:
    """The real SDK with the operator's credentials."""
    return boto3.client(
        service, endpoint_url=cj.url + path, region_name="us-east-1", **cj.credentials
    )


async def converse(browser: Browser, text: str) -> dict[str, Any]:
    """Say it and hear the whole answer; gives `done`."""
    ack = await browser.say(text)
    assert ack["durable"] is True
    return await browser.until("done", cid=browser.cid)


async def test_a_message_is_acked_durably_and_answered_in_order(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        ready = await browser.start()
        assert (ready["workflow"], ready["requirements"], ready["ui"]) == ("ad_hoc_support", [], [])
        assert (ready["messages"], ready["last_seq"]) == ([], 0)
        ack = await browser.say("Hello CJ")
        assert (ack["durable"], ack["dup"], ack["seq"]) == (True, False, 1)
        done = await browser.until("done")
    deltas = [f for f in browser.frames if f["type"] == "delta"]
    assert [d["i"] for d in deltas] == list(range(done["n"]))
    assert {(d["turn"], d["gen"]) for d in deltas} == {(done["turn"], done["gen"])}
    assert done["turn"] == ack["turn"]
    assert (done["seq"], done["status"], done["durable"]) == (2, "complete", True)
    history = (await browser.get(f"/api/v1/conversations/{browser.cid}")).json()
    assert [(m["seq"], m["role"]) for m in history["messages"]] == [(1, "user"), (2, "assistant")]
    assert history["messages"][1]["text"] == "".join(d["text"] for d in deltas)
    assert history["messages"][1]["id"] == done["message_id"]


async def test_after_a_restart_of_everything_the_conversation_is_there(
    own_cj: Callable[..., Running],
) -> None:
    cj = own_cj()
    async with Browser(cj.url) as browser:
        await browser.start()
        await converse(browser, "Remember the blue teapot")
    cj.stop()
    cj.start()
    async with Browser(cj.url, browser.cookie) as later:
        ready = await later.start(browser.cid)
        assert ready["messages"][0]["text"] == "Remember the blue teapot"
        await converse(later, "What did I say?")
        listed = (await later.get("/api/v1/conversations")).json()["conversations"]
    assert [(c["id"], c["title"], c["message_count"]) for c in listed] == [
        (browser.cid, "Remember the blue teapot", 4)
    ]
    history = (await later.get(f"/api/v1/conversations/{browser.cid}")).json()
    assert [m["seq"] for m in history["messages"]] == [1, 2, 3, 4]
    assert "blue teapot" in history["messages"][3]["text"]


async def test_the_same_message_twice_is_one_row_and_one_answer(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        await browser.start()
        twice = str(uuid4())
        first = await browser.say("Once only", id=twice)
        await browser.until("done")
        again = await browser.say("Once only", id=twice)
        assert (again["dup"], again["seq"], again["message_id"]) == (True, 1, first["message_id"])
        await browser.send("message", cid=browser.cid, id=twice, text="Something else")
        error = await browser.until("error")
        assert (error["code"], error["re"]) == ("id_conflict", twice)
        history = (await browser.get(f"/api/v1/conversations/{browser.cid}")).json()
    assert [m["role"] for m in history["messages"]] == ["user", "assistant"]


async def test_a_second_tab_sees_the_message_and_the_answer(cj_url: str) -> None:
    async with Browser(cj_url) as one, Browser(cj_url, one.cookie) as two:
        await one.start()
        await two.start(one.cid)
        ack = await one.say("Hello from the first tab")
        told = await two.until("message")
        done_one, done_two = await one.until("done"), await two.until("done")
    assert (told["seq"], told["message"]["text"]) == (ack["seq"], "Hello from the first tab")
    assert done_one == done_two
    assert [f for f in one.frames if f["type"] == "message"] == []


async def test_every_message_of_a_burst_is_kept_in_order_and_answered(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        await browser.start()
        ids, prev = [str(uuid4()) for _ in range(5)], {}
        for n, client_id in enumerate(ids):
            await browser.send(
                "message", id=client_id, cid=browser.cid, text=f"message {n}", **prev
            )
            # API Gateway keeps no order between frames: a message waits for the one before it.
            while True:
                frame = await browser.until_any("ack", "error", re=client_id)
                if frame["type"] == "ack":
                    break
                assert frame["code"] == "out_of_order"
                await browser.send(
                    "message", id=client_id, cid=browser.cid, text=f"message {n}", **prev
                )
            prev = {"prev": client_id}
        rows = await browser.settled()
    assert [m["text"] for m in rows if m["role"] == "user"] == [f"message {n}" for n in range(5)]
    assert [m["seq"] for m in rows] == list(range(1, len(rows) + 1))


async def test_a_new_conversation_is_not_made_while_an_empty_one_is_there(cj_url: str) -> None:
    async with Browser(cj_url) as one, Browser(cj_url, one.cookie) as two:
        first, second = await one.start(), await two.start()
        assert first["cid"] == second["cid"]
        listed = (await one.get("/api/v1/conversations")).json()
        assert listed == {"conversations": [], "next": None}
        await converse(one, "now it is not empty")
        third = await two.start()
    assert third["cid"] != first["cid"]


async def test_start_can_go_on_from_a_seq(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        await browser.start()
        await converse(browser, "one")
        await converse(browser, "two")
        ready = await browser.start(browser.cid, after_seq=2)
    assert [m["seq"] for m in ready["messages"]] == [3, 4]
    assert ready["last_seq"] == 4


async def test_a_foreign_conversation_looks_like_a_missing_one(cj_url: str) -> None:
    async with Browser(cj_url) as owner, Browser(cj_url) as stranger:
        await owner.start()
        await converse(owner, "mine")
        answers = []
        for cid in (owner.cid, str(uuid4())):
            for members in ({"type": "start"}, {"type": "message", "text": "hello?"}):
                kind = members.pop("type")
                await stranger.send(kind, cid=cid, **members)
                error = await stranger.until("error")
                answers.append({k: v for k, v in error.items() if k not in ("re", "cid")})
            reply = await stranger.get(f"/api/v1/conversations/{cid}")
            assert reply.status_code == 404
            answers.append(reply.json()["error"])
        listed = (await stranger.get("/api/v1/conversations")).json()
    assert answers[:3] == answers[3:]
    assert answers[0]["code"] == "not_found"
    assert listed["conversations"] == []


@pytest.mark.parametrize(
    ("cookie", "origin", "status"),
    [
        ("", "own", 401),
        ("cj_session=unknown", "own", 401),
        ("good", "https://127.0.0.1.evil", 403),
        ("good", "null", 403),
        ("good", None, 403),
    ],
)
async def test_a_socket_needs_a_session_and_the_pages_origin(
    cj_url: str, cookie: str, origin: str | None, status: int
) -> None:
    async with Browser(cj_url) as browser:
        headers = {"Cookie": (browser.cookie or "") if cookie == "good" else cookie}
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(
                cj_url.replace("http", "ws", 1) + "/ws",
                origin=cj_url if origin == "own" else origin,  # type: ignore[arg-type]
                additional_headers=headers,
                proxy=None,
            )
    assert refused.value.response.status_code == status


async def test_nonsense_gets_an_error_and_the_socket_lives(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        for body, code in [
            ("nonsense", "bad_request"),
            ("{}", "unsupported"),
            (json.dumps({"v": 99, "id": str(uuid4()), "type": "ping"}), "unsupported"),
            (json.dumps({"v": 1, "id": str(uuid4()), "type": "dance"}), "unsupported"),
            (json.dumps({"v": 1, "id": "../", "type": "ping"}), "bad_request"),
        ]:
            await browser.socket.send(body)
            error = await browser.until("error")
            assert (error["code"], error["v"]) == (code, 1)
        await browser.start()
        await browser.send("message", cid=browser.cid, text="x" * 8_001)
        assert (await browser.until("error"))["code"] == "too_large"
        assert (await browser.until("pong", re=await browser.send("ping")))["type"] == "pong"


@pytest.mark.parametrize(
    "text", ["{{7*7}} ${jndi:ldap://x}", "<script>alert(1)</script>", "\x1b[31mred\x1b[0m\r\nline"]
)
async def test_text_is_stored_as_it_is_and_stays_off_the_log(cj: Running, text: str) -> None:
    async with Browser(cj.url) as browser:
        await browser.start()
        await converse(browser, text)
        history = (await browser.get(f"/api/v1/conversations/{browser.cid}")).json()
    assert history["messages"][0]["text"] == text
    assert text not in cj.log.read_text()
    assert json.dumps(text)[1:-1] not in cj.log.read_text()


async def test_the_operator_can_post_to_look_at_and_close_a_connection(cj: Running) -> None:
    async with Browser(cj.url) as browser:
        await browser.start()
        watching = "SELECT connection_id FROM ws_connections WHERE conversation_id = $1"
        row = await cj.row(watching, UUID(browser.cid))
        assert row is not None
        connection_id = row["connection_id"]
        connections = operator(cj, "apigatewaymanagementapi", "/ws")
        connections.post_to_connection(ConnectionId=connection_id, Data=b'{"type": "hello"}')
        await browser.until("hello")
        seen = connections.get_connection(ConnectionId=connection_id)
        assert seen["ConnectedAt"] <= seen["LastActiveAt"]
        connections.delete_connection(ConnectionId=connection_id)
        with pytest.raises(websockets.ConnectionClosed):
            await browser.until("anything")
        with pytest.raises(connections.exceptions.GoneException):
            connections.get_connection(ConnectionId=connection_id)


async def test_one_correlation_id_goes_from_the_frame_to_the_turn(cj: Running) -> None:
    async with Browser(cj.url) as browser:
        await browser.start()
        done = await converse(browser, "hello")
        lines = await cj.log_lines(2, turn=done["turn"])
    by_service = {line["service"]: line["correlation_id"] for line in lines}
    assert {name.partition("-")[2] for name in by_service} == {"ws-message", "turn-worker"}
    assert len(set(by_service.values())) == 1


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"limit": -1}, 400),
        ({"limit": 0}, 400),
        ({"limit": 10**9}, 400),
        ({"limit": "many"}, 400),
        ({"cursor": "tampered"}, 400),
        ({"cursor": "MjAyNi0wMS0wMXw="}, 400),
        ({"cursor": "x" * 300}, 400),
    ],
)
async def test_the_list_refuses_a_wrong_page(
    cj_url: str, params: dict[str, Any], status: int
) -> None:
    async with Browser(cj_url) as browser:
        reply = await browser.get("/api/v1/conversations", **params)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, "bad_request")


async def test_an_id_that_is_none_is_422_and_no_session_is_401(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        reply = await browser.get("/api/v1/conversations/' or 1=1--")
        assert reply.status_code == 422
        browser.cookie = "cj_session=nobody"
        assert (await browser.get("/api/v1/conversations")).status_code == 401
        reply = await browser.get("/api/v1/session")
    assert reply.json() == {"user": None, "shop": None}
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert "SameSite=lax" in reply.headers["set-cookie"]
    assert reply.headers["cache-control"] == "no-store"


async def test_the_list_pages_without_holes_or_repeats(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        for n in range(5):
            await browser.start()
            await converse(browser, f"conversation {n}")
        seen, cursor = [], {}
        while True:
            page = (await browser.get("/api/v1/conversations", limit=2, **cursor)).json()
            seen += [c["title"] for c in page["conversations"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
    assert seen == [f"conversation {n}" for n in reversed(range(5))]
