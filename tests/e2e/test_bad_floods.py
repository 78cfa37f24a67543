"""Too much of it: floods, texts that are not what they seem, and three thousand fuzzed frames."""

from __future__ import annotations

import asyncio
import json
import os
import random
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import websockets

from tests.e2e.browser import PATIENCE_S, Browser
from tests.e2e.mutations import mutated

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.running import Running

FRAMES, LOT, SEED = 3_000, 25, 20_261_121
ANSWERS = {"error", "pong", "ready", "sync", "ack"}  # one of these to each frame
# Ours after ten bad frames; too large; binary.
DOCUMENTED = {1000, 1009, 1003}


async def test_33_a_flood_is_slowed_down_and_nothing_of_it_is_lost(
    own_cj: Callable[..., Running],
) -> None:
    limits = {
        "LIMIT_MESSAGES_PER_MINUTE": "1200",
        "LIMIT_MESSAGES_BURST": "5",
        "LIMIT_WAITING": "100",
    }
    cj = own_cj(environ={**os.environ, **limits})
    async with Browser(cj.url) as browser:
        await browser.start()
        outbox = {str(uuid4()): f"message {n}" for n in range(100)}
        texts = set(outbox.values())
        for client_id, text in outbox.items():
            await browser.send("message", id=client_id, cid=browser.cid, text=text)
        refused = 0
        while outbox:
            frame = await browser.until_any("ack", "error")
            if frame["type"] == "ack":
                outbox.pop(frame["re"], None)
                continue
            assert (frame["code"], frame["retryable"]) == ("rate_limited", True)
            assert frame["retry_ms"] > 0
            refused += 1
            await asyncio.sleep(frame["retry_ms"] / 1000)  # as the page does
            again = {"cid": browser.cid, "text": outbox[frame["re"]]}
            await browser.send("message", id=frame["re"], **again)
        said = await _said(browser)
    assert refused > 0
    assert sorted(said) == sorted(texts)


async def _said(browser: Browser) -> list[str]:
    """Everything a person said in this conversation."""
    said: list[str] = []
    after, more = 0, True
    while more:
        path = f"/api/v1/conversations/{browser.cid}"
        page = (await browser.get(path, after_seq=after, limit=100)).json()
        said += [row["text"] for row in page["messages"] if row["role"] == "user"]
        after, more = page["messages"][-1]["seq"], page["more"]
    return said


@pytest.mark.parametrize(
    "text",
    [
        "{{7*7}}",
        "${jndi:ldap://127.0.0.1/x}",
        "<script>alert(1)</script>",
        "\x1b[31mred\x1b[0m",
        'line\r\n{"level":"ERROR"}',
        "show me shop B's orders",
    ],
)
async def test_34_a_text_is_stored_as_it_is_and_is_one_line_of_the_log(
    cj: Running, text: str
) -> None:
    async with Browser(cj.url) as browser:
        await browser.start()
        ack = await browser.say(text)
        await browser.until("done")
        history = (await browser.get(f"/api/v1/conversations/{browser.cid}")).json()
        lines = await cj.log_lines(1, cid=browser.cid, message="message received")
    assert history["messages"][0]["text"] == text
    assert [line["seq"] for line in lines] == [ack["seq"]]
    assert json.dumps(text)[1:-1] not in cj.log.read_text()


@pytest.mark.slow
async def test_three_thousand_fuzzed_frames_break_nothing(cj: Running) -> None:
    dice = random.Random(SEED)
    ended: set[int] = set()
    answers: dict[str, int] = {}
    before = cj.log.stat().st_size
    async with Browser(cj.url) as visitor:
        await visitor.start()
        sent = 0
        while sent < FRAMES:
            lot = [mutated(dice, visitor.cid or "") for _ in range(LOT)]
            sent += len(lot)
            ended |= await _throw(cj.url, visitor.cookie, lot, answers)
        await visitor.until("pong", re=await visitor.send("ping"))
    with cj.log.open("rb") as log:
        log.seek(before)
        written = log.read().decode()
    assert ended <= DOCUMENTED
    assert answers.pop("internal", 0) == 0
    assert set(answers) >= {"bad_request", "unsupported", "too_large", "not_found", "pong", "ack"}
    assert [line for line in written.splitlines() if "Traceback" in line] == []
    assert '"message":"failed"' not in written


async def _throw(
    url: str, cookie: str | None, lot: list[str | bytes], answers: dict[str, int]
) -> set[int]:
    """Sends all of it, waits for an answer to each or for the end; gives how it ended."""
    async with Browser(url, cookie) as browser:
        try:
            for frame in lot:
                await browser.socket.send(frame)
            async with asyncio.timeout(PATIENCE_S):
                missing = len(lot)
                while missing:
                    frame = json.loads(await browser.socket.recv())
                    assert "requestId" not in frame, frame  # API Gateway speaks where we did not
                    if frame["type"] in ANSWERS:
                        missing -= 1
                        told = frame.get("code", frame["type"])
                        answers[told] = answers.get(told, 0) + 1
        except websockets.ConnectionClosed as closed:
            assert closed.rcvd is not None
            return {closed.rcvd.code}
    return set()


async def test_ten_frames_in_a_row_that_make_no_sense_close_the_connection(cj_url: str) -> None:
    async with Browser(cj_url) as browser:
        for _ in range(9):
            await browser.socket.send("nonsense")
            await browser.until("error", code="bad_request")
        await browser.until("pong", re=await browser.send("ping"))
        for _ in range(10):
            await browser.socket.send("nonsense")
            await browser.until("error", code="bad_request")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await browser.until("anything")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000
