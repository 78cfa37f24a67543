"""Messages of WebSocket clients: the route that takes one, and what is answered."""

import asyncio
import json

import pytest

from local.gateway.model import WebSocketApi, WebSocketRoute
from local.gateway.websocket_routes import select_route
from tests.gateway.websocket_client import ask

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_message_event_carries_its_text_and_no_headers(fixture):
    """Captured: apiGatewayWebSocketApiMessage.json of powertools-lambda-python."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        await ws.send("not JSON at all")
        event = await fixture.entry(
            lambda e: e.get("body") and e["requestContext"]["connectionId"] == connection_id
        )
    assert event.keys() == {"requestContext", "body", "isBase64Encoded"}
    assert event["body"] == "not JSON at all"
    assert event["requestContext"]["routeKey"] == "$default"
    assert event["requestContext"]["eventType"] == "MESSAGE"
    assert event["requestContext"]["messageId"].endswith("=")


def api(expression, *keys):
    routes = {key: WebSocketRoute(key, "F") for key in keys}
    return WebSocketApi("Sockets", "id", "chat", expression, routes)


@pytest.mark.parametrize(
    ("expression", "text", "chosen"),
    [
        ("$request.body.action", '{"action": "echo"}', "echo"),
        ("$request.body.action", '{"action": "unknown"}', "$default"),
        ("$request.body.action", '{"other": "echo"}', "$default"),
        ("$request.body.action", "echo", "$default"),
        ("$request.body.action", '["echo"]', "$default"),
        ("$request.body.action", '{"action": {"echo": 1}}', "$default"),
        ("$request.body.action", '{"action": null}', "$default"),
        ("$request.body.action", '{"action": "$connect"}', "$default"),
        ("$request.body.action", '{"action": "$disconnect"}', "$default"),
        ("$request.body.action", '{"action": "$default"}', "$default"),
        ("$request.body.action", '{"action": 7}', "7"),
        ("$request.body.action", '{"action": ' + "[" * 20_000, "$default"),
        ("${request.body.action}", '{"action": "echo"}', "echo"),
        ("$request.body.a.b", '{"a": {"b": "echo"}}', "echo"),
        ("${request.body.a}-${request.body.b}", '{"a": "x", "b": "y"}', "x-y"),
        ("static", '{"action": "echo"}', "$default"),
    ],
    ids=lambda value: value[:40],
)
async def test_the_selection_expression_chooses_the_route(expression, text, chosen):
    """AWS: Route selection expressions; what selects no route goes to $default."""
    keys = ("$connect", "$disconnect", "$default", "echo", "7", "x-y")
    assert select_route(api(expression, *keys), text).key == chosen


async def test_a_route_response_carries_the_body(fixture):
    """AWS: Set up route responses for WebSocket APIs."""
    async with fixture.connect() as ws:
        assert await ask(ws, action="echo", n=1) == {"action": "echo", "n": 1}


async def test_without_a_route_response_the_body_goes_nowhere(fixture):
    """AWS: API Gateway does not pass the response through unless there is a route response."""
    async with fixture.connect() as ws:
        await ws.send(json.dumps({"action": "silent", "n": 1}))
        await ws.send("to $default, whose function answers too")
        assert await ask(ws, action="echo", n=2) == {"action": "echo", "n": 2}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ws.recv(), 0.3)


async def test_a_message_without_any_route_is_forbidden(fixture):
    """Remembered: a message that matches no route, with no $default, is answered Forbidden."""
    async with fixture.connect(stage="bare") as ws:
        frame = await ask(ws, action="unknown")
    assert frame.keys() == {"message", "connectionId", "requestId"}
    assert frame["message"] == "Forbidden"


@pytest.mark.parametrize("how", ["raises", "nonsense"])
async def test_a_failing_function_is_an_internal_server_error(fixture, how):
    """AWS: WebSocket APIs answer {"message": "Internal server error", connectionId, requestId}."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        frame = await ask(ws, action="fail", how=how)
        assert frame.keys() == {"message", "connectionId", "requestId"}
        assert frame["message"] == "Internal server error"
        assert frame["connectionId"] == connection_id
        assert await ask(ws, action="echo") == {"action": "echo"}


async def test_a_late_answer_is_a_frame_while_the_function_runs_on(fixture):
    """Reported: Kludex/mangum#128, the frame; AWS quotas: after 29 seconds at most."""
    async with fixture.connect() as ws:
        mark = f"late-{ws.mark}"
        frame = await ask(ws, action="slow", seconds=1, mark=mark)
        assert frame.keys() == {"message", "connectionId", "requestId"}
        assert frame["message"] == "Endpoint request timed out"
        assert not [e for e in fixture.entries() if e.get("finished") == mark]
        await fixture.entry(lambda e: e.get("finished") == mark)


async def test_messages_of_one_connection_run_at_once(fixture):
    """Remembered: API Gateway does not wait for one message's function before the next."""
    async with fixture.connect() as ws:
        for mark, seconds in (("first", 1.5), ("second", 0)):
            await ws.send(json.dumps({"action": "wait", "seconds": seconds, "mark": mark}))
        async with asyncio.timeout(10):
            assert [await ws.recv(), await ws.recv()] == ["second", "first"]
