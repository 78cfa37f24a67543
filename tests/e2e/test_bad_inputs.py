"""What people, broken pages and worse send, and the answer each of it gets from everything."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
import redis.asyncio as redis
import websockets

from tests.e2e.browser import PATIENCE_S, Browser
from tests.e2e.running import Running
from tests.proxy import Proxy, through

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from local.servers.postgres import Postgres
    from tests.conftest import Database

PROMISED = {
    "LIMIT_MESSAGES_PER_MINUTE": "20",
    "LIMIT_MESSAGES_BURST": "5",
    "LIMIT_CONVERSATIONS_PER_HOUR": "10",
    "LIMIT_SESSION_CONNECTS_PER_MINUTE": "10",
    "LIMIT_ADDRESS_CONNECTS_PER_MINUTE": "60",
}
ID = "0198f6c2-7a3b-7c3d-8e4f-0123456789ab"
SAYING = f'{{"v": 1, "type": "message", "id": "{ID}", "cid": "{ID}", "text": '


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A system with the limits that are promised."""
    running = Running(
        tmp_path_factory.mktemp("strict") / "data", environ={**os.environ, **PROMISED}
    )
    running.start()
    yield running
    running.stop()


async def knock(url: str, cookie: str | None, origin: str | None) -> int:
    """The status that a handshake gets; 101 is an open socket."""
    try:
        socket = await websockets.connect(
            url.replace("http", "ws", 1) + "/ws",
            origin=origin,  # type: ignore[arg-type]
            additional_headers={} if cookie is None else {"Cookie": cookie},
            proxy=None,
        )
    except websockets.InvalidStatus as refused:
        return refused.response.status_code
    await socket.close()
    return 101


async def leave(browser: Browser) -> httpx.Response:
    headers = {"Cookie": browser.cookie or "", "Origin": browser.url}
    async with httpx.AsyncClient(
        base_url=browser.url, headers=headers, trust_env=False, timeout=PATIENCE_S
    ) as http:
        return await http.delete("/api/v1/session")


async def test_22_who_has_no_live_session_is_not_let_in(cj: Running) -> None:
    async with Browser(cj.url) as leaving, Browser(cj.url) as expiring:
        await expiring.start()
        assert await knock(cj.url, leaving.cookie, cj.url) == 101
        assert (await leave(leaving)).status_code == 204
        await cj.row(
            "UPDATE web_sessions SET expires_at = clock_timestamp() WHERE owner_id ="
            " (SELECT owner_id FROM conversations WHERE id = $1::text::uuid)",
            expiring.cid,
        )
        for cookie in (None, "", "cj_session=", "cj_session=unknown", "other=1"):
            assert await knock(cj.url, cookie, cj.url) == 401
        assert await knock(cj.url, leaving.cookie, cj.url) == 401
        assert await knock(cj.url, expiring.cookie, cj.url) == 401


async def test_23_only_our_own_page_opens_a_socket(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        for origin in (None, "null", "https://host.evil", f"{cj_url}.evil", "file://"):
            assert await knock(cj_url, browser.cookie, origin) == 403


async def test_24_one_connect_too_many_in_a_minute_has_to_wait(strict: Running) -> None:
    async with Browser(strict.url) as browser:  # its own connect is the first
        statuses = [await knock(strict.url, browser.cookie, strict.url) for _ in range(10)]
    assert statuses == [101] * 9 + [429]


class Hurt:
    """A system whose ways to its stores can be closed."""

    def __init__(self, running: Running, postgres: Proxy, redis: Proxy) -> None:
        self.running, self.postgres, self.redis = running, postgres, redis
        self.url = running.url


@pytest.fixture
async def hurt(
    database: Database, redis_url: str, tmp_path: os.PathLike[str]
) -> AsyncIterator[Hurt]:
    redis_url = redis_url.rstrip("/") + "/"
    postgres_port, redis_port = urlsplit(database.app_url).port, urlsplit(redis_url).port
    async with Proxy(postgres_port or 0) as to_postgres, Proxy(redis_port or 0) as to_redis:
        environ = {
            **os.environ,
            "DATABASE_URL": through(database.app_url, to_postgres),
            "DATABASE_MIGRATION_URL": database.owner_url,
            "REDIS_URL": through(redis_url, to_redis),
        }
        running = Running(tmp_path / "hurt", environ=environ)  # type: ignore[operator]
        await asyncio.to_thread(running.start)
        yield Hurt(running, to_postgres, to_redis)
        await asyncio.to_thread(running.stop)


async def test_25_with_both_stores_down_nobody_is_let_in(hurt: Hurt) -> None:
    async with Browser(hurt.url) as browser:
        await hurt.postgres.refuse()
        await hurt.redis.refuse()
        assert await knock(hurt.url, browser.cookie, hurt.url) == 503
        assert await knock(hurt.url, "cj_session=unknown", hurt.url) == 503
        error = await browser.until("error", re=await browser.send("ping"))
        assert (error["code"], error["retryable"]) == ("unavailable", True)
        reply = await browser.get("/api/v1/conversations")
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "3")


@pytest.mark.parametrize(
    "body",
    [
        "nonsense",
        "",
        "[]",
        '{"v": 1, "type": "ping", "id": "\\ud800"}',
        SAYING + '"a\\u0000b"}',
        SAYING + '"\\ud800"}',
        SAYING + "NaN}",
        SAYING + '"a", "text": "b"}',
    ],
)
async def test_26_what_is_no_frame_is_a_bad_request_and_the_socket_stays(
    cj_url: str, body: str
) -> None:
    async with Browser(cj_url) as browser:
        await browser.socket.send(body)
        assert (await browser.until("error"))["code"] == "bad_request"
        await browser.until("pong", re=await browser.send("ping"))


async def closed_with(browser: Browser) -> int | None:
    with pytest.raises(websockets.ConnectionClosed) as closed:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                browser.frames.append(json.loads(await browser.socket.recv()))
    return closed.value.rcvd.code if closed.value.rcvd else None


async def test_26_a_binary_frame_is_not_of_this_protocol(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        await browser.socket.send(b"\x00\x01")
        assert await closed_with(browser) == 1003


async def test_27_a_frame_too_large_is_refused_and_one_far_too_large_closes(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        await browser.start()
        sent = await browser.send("message", cid=browser.cid, text="x" * 30_000)
        assert (await browser.until("error", re=sent))["code"] == "too_large"
        await browser.send("message", cid=browser.cid, text="x" * 33 * 1024)
        assert await closed_with(browser) == 1009


@pytest.mark.parametrize("members", [{"type": "dance"}, {"type": "action"}, {"v": 99}, {"v": "1"}])
async def test_28_an_unknown_type_or_version_is_unsupported(
    cj_url: str, members: dict[str, Any]
) -> None:
    async with Browser(cj_url) as browser:
        frame = {"v": 1, "id": str(uuid4()), "type": "ping", **members}
        await browser.socket.send(json.dumps(frame))
        assert (await browser.until("error", re=frame["id"]))["code"] == "unsupported"


async def test_29_a_foreign_conversation_and_a_missing_one_are_the_same_from_outside(
    hurt: Hurt, postgres: Postgres, database: Database
) -> None:
    async with Browser(hurt.url) as owner, Browser(hurt.url) as stranger:
        await owner.start()
        ack = await owner.say("mine")
        await owner.until("done")
        of, turn = ack["message_id"], ack["turn"]
        frames: list[tuple[str, dict[str, Any]]] = [
            ("start", {}),
            ("start", {"after_seq": 0}),
            ("resume", {"after_seq": 0, "turn": turn, "gen": 1, "i": 0}),
            ("message", {"text": "hello?"}),
            ("retry", {"of": of}),
            ("retry", {"of": of, "text": "rewritten"}),
            ("stop", {"turn": turn}),
            ("oauth_complete", {}),
        ]
        alter = f"ALTER DATABASE {database.name} SET log_statement = 'all'"
        await _administer(postgres.superuser_url, alter)
        hurt.postgres.cut()  # who connects again is listened to
        await stranger.start()
        answers: dict[str, list[tuple[Any, ...]]] = {"foreign": [], "missing": []}
        for kind, members in frames:
            for whose, cid in (("foreign", owner.cid), ("missing", str(uuid4()))):
                before = postgres.log.stat().st_size
                error = await stranger.until(
                    "error", re=await stranger.send(kind, cid=cid, **members)
                )
                assert error.pop("cid") == cid
                error.pop("re")
                answers[whose].append((kind, error, _statements(postgres, before)))
    assert answers["foreign"] == answers["missing"]
    assert {error["code"] for _, error, _ in answers["missing"]} == {"not_found"}
    # Looked for, and then whether the session that asked still lives.
    assert [kind for kind, _, asked in answers["missing"] if len(asked) != 2] == []


async def _administer(url: str, statement: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def _statements(postgres: Postgres, since: int) -> list[str]:
    """What PostgreSQL was asked since then, without the values."""
    with postgres.log.open("rb") as log:
        log.seek(since)
        return re.findall(r"execute \w+: (SELECT \S+ FROM \w+|\w+ \S+)", log.read().decode())


async def test_30_an_id_used_for_another_text_is_a_conflict(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        await browser.start()
        once = str(uuid4())
        await browser.say("one thing", id=once)
        await browser.send("message", id=once, cid=browser.cid, text="another thing")
        assert (await browser.until("error", re=once))["code"] == "id_conflict"


@pytest.mark.parametrize(
    "bad", ["x" * 10_240, "'; DROP TABLE messages; --", f"{{{UUID(int=7)}}}", "../../x", "%00"]
)
async def test_31_an_id_that_is_none_is_a_bad_request(cj_url: str, bad: str) -> None:
    async with Browser(cj_url) as browser:
        await browser.start()
        for members in ({"id": bad}, {"cid": bad}, {"prev": bad}):
            given = {"cid": browser.cid, "text": "hi", **members}
            await browser.send("message", **given)
            assert (await browser.until("error"))["code"] == "bad_request"


@pytest.mark.parametrize("number", [-1, 2**63, "1; drop", 1e308, True, 0.5])
async def test_32_a_number_that_is_none_is_a_bad_request(cj_url: str, number: object) -> None:
    async with Browser(cj_url) as browser:
        for kind in ("start", "resume"):
            sent = await browser.send(kind, cid=str(uuid4()), after_seq=number)
            assert (await browser.until("error", re=sent))["code"] == "bad_request"


async def test_35_a_frame_after_the_session_ended_is_refused_and_closes(
    hurt: Hurt, redis_url: str
) -> None:
    async with Browser(hurt.url) as browser:
        await browser.start()
        await hurt.running.row("UPDATE web_sessions SET revoked_at = clock_timestamp()")
        async with redis.from_url(redis_url) as cache:
            await cache.flushall()
        sent = await browser.send("message", cid=browser.cid, text="am I still here?")
        error = await browser.until("error", re=sent)
        assert (error["code"], error["retryable"]) == ("unauthenticated", True)
        assert await closed_with(browser) == 1000


async def test_35_leaving_closes_the_sockets_of_every_tab(cj_url: str) -> None:
    async with Browser(cj_url) as one, Browser(cj_url, one.cookie) as two:
        await one.start()
        await two.start(one.cid)
        reply = await leave(one)
        assert (reply.status_code, "Max-Age=0" in reply.headers["set-cookie"]) == (204, True)
        assert [await closed_with(tab) for tab in (one, two)] == [1000, 1000]
