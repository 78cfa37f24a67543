"""The limits of WebSocket APIs: kinds and sizes of frames and messages, idle and total time."""

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed

from local.gateway.integration import IntegrationFailed
from local.gateway.limits import Limits
from local.gateway.websocket_routes import body_of
from tests.gateway.websocket_client import ask, closed

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_binary_frame_is_closed_with_1003(fixture):
    """AWS: Binary media types for WebSocket APIs."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        await ws.send(b"\x00\x01")
        assert (await closed(ws)).code == 1003
    assert (await fixture.disconnected(connection_id))["disconnectStatusCode"] == 1003


async def test_what_follows_a_binary_frame_is_not_heard(fixture):
    """Remembered: a connection that is being closed takes no more messages."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        await asyncio.gather(ws.send(b"\x00"), ws.send("after the end"))
    await fixture.disconnected(connection_id)
    assert not [e for e in fixture.entries() if e.get("body") == "after the end"]


@pytest.mark.parametrize("body", [{"an": "object"}, 7, "\ud800", "x" * 11], ids=repr)
async def test_a_body_no_message_can_carry_is_an_error(body):
    """Remembered: a route response is text of at most a message's size."""
    with pytest.raises(IntegrationFailed):
        body_of({"body": body}, 10)
    assert body_of({"body": "x" * 10}, 10) == "x" * 10


def padded(size):
    """An echo message of exactly this many bytes."""
    return json.dumps({"action": "echo", "pad": "x" * (size - 29)})


async def test_a_frame_of_32_kilobytes_is_the_largest(fixture):
    """AWS: Quotas for WebSocket APIs, frame size 32 KB; a larger one is closed with 1009."""
    async with fixture.connect(max_size=None) as ws:
        whole = padded(32 * 1024)
        assert len(whole) == 32 * 1024
        await ws.send(whole)
        assert await asyncio.wait_for(ws.recv(), 10) == whole
        await ws.send(whole + " ")
        assert (await closed(ws)).code == 1009


async def test_a_frame_far_too_large_still_hears_why(fixture):
    """AWS: Quotas for WebSocket APIs; the close frame survives the unread rest of the message."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        await ws.send("x" * 400_000)
        assert (await closed(ws)).code == 1009
    assert (await fixture.disconnected(connection_id))["disconnectStatusCode"] == 1009


async def test_a_message_of_128_kilobytes_in_frames_is_the_largest(fixture):
    """AWS: Quotas for WebSocket APIs, message payload 128 KB in frames of 32 KB."""
    async with fixture.connect(max_size=None) as ws:
        whole = padded(128 * 1024)
        frames = [whole[at : at + 32 * 1024] for at in range(0, len(whole), 32 * 1024)]
        await ws.send(frames)
        assert await asyncio.wait_for(ws.recv(), 10) == whole
        await ws.send([*frames, "x"])
        assert (await closed(ws)).code == 1009


async def test_a_large_answer_arrives_in_frames_of_32_kilobytes(fixture):
    """AWS: Quotas for WebSocket APIs, the frame limit holds in both directions."""
    async with fixture.connect(max_size=(None, 32 * 1024)) as ws:
        whole = padded(100_000)
        await ws.send([whole[at : at + 32 * 1024] for at in range(0, len(whole), 32 * 1024)])
        frames = [frame async for frame in ws.recv_streaming()]
    assert len(frames) == 4
    assert "".join(frames) == whole


async def test_an_idle_connection_is_closed_as_going_away(running):
    """Captured: idle connections end with 1001 "Going away"; AWS quotas: after 10 minutes."""
    async with running(limits=Limits(idle_s=0.5)) as fixture, fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        for _ in range(4):  # longer than the limit, but never idle for that long
            await asyncio.sleep(0.2)
            assert await ask(ws, action="echo") == {"action": "echo"}
        frame = await closed(ws)
        context = await fixture.disconnected(connection_id)
    assert (frame.code, frame.reason) == (1001, "Going away")
    assert context["disconnectStatusCode"] == 1001
    assert context["disconnectReason"] == "Going away"


async def test_a_busy_connection_is_closed_when_its_time_is_over(running):
    """AWS: Quotas for WebSocket APIs, connection duration 2 hours."""
    async with running(limits=Limits(duration_s=0.8)) as fixture, fixture.connect() as ws:
        with pytest.raises(ConnectionClosed) as caught:
            async with asyncio.timeout(10):
                while True:
                    assert await ask(ws, action="echo") == {"action": "echo"}
    assert caught.value.rcvd.code == 1001
