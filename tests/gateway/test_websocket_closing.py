"""Goodbyes of WebSocket connections: the client's, the gateway's, and none at all."""

import json

import pytest

from local.gateway.events import CLOSE_REASONS
from tests.gateway.websocket_client import ask, closed

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [(1000, "", CLOSE_REASONS[1000]), (1001, "", CLOSE_REASONS[1001]), (4321, "mine", "mine")],
)
async def test_the_disconnect_function_hears_the_clients_code_and_reason(
    fixture, code, reason, told
):
    """AWS: The $disconnect route, disconnectStatusCode and disconnectReason."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        await ws.close(code, reason)
    context = await fixture.disconnected(connection_id)
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (code, told)


async def test_a_close_frame_without_a_status_is_1005(fixture):
    """Captured: apiGatewayWebSocketApiDisconnect.json of powertools-lambda-python."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        ws.protocol.send_close()
        ws.transport.writelines(ws.protocol.data_to_send())
    context = await fixture.disconnected(connection_id)
    assert context["disconnectStatusCode"] == 1005
    assert context["disconnectReason"] == "Client-side close frame status not set"


async def test_a_client_that_vanishes_is_1006(fixture):
    """RFC 6455: 1006 is what stands for a connection that ended without a close frame."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        ws.transport.abort()
    assert (await fixture.disconnected(connection_id))["disconnectStatusCode"] == 1006


async def test_a_gateway_that_stops_says_goodbye_and_waits_for_nobody(running):
    """AWS: 1001 "Going away" is API Gateway's own goodbye."""
    async with running() as fixture:
        ws = await fixture.connect().__aenter__()
        await ws.send(json.dumps({"action": "wait", "seconds": 9, "mark": "never"}))
        assert await ask(ws, action="echo") == {"action": "echo"}
    frame = await closed(ws)
    assert (frame.code, frame.reason) == (1001, "Going away")
    assert not [e for e in fixture.entries() if e.get("finished") == "never"]
