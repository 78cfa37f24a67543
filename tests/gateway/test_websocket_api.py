"""WebSocket APIs with the real client: handshakes, messages, limits, goodbyes."""

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local.gateway.events import CLOSE_REASONS
from local.gateway.integration import IntegrationFailed
from local.gateway.limits import Limits
from local.gateway.model import WebSocketApi, WebSocketRoute
from local.gateway.websocket_routes import body_of, select_route

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def closed(ws):
    """The close frame the gateway sent."""
    with pytest.raises(ConnectionClosed) as caught:
        async with asyncio.timeout(10):
            while True:
                await ws.recv()
    return caught.value.rcvd


async def ask(ws, **message):
    await ws.send(json.dumps(message))
    async with asyncio.timeout(10):
        return json.loads(await ws.recv())


# Handshakes


async def test_the_connect_function_sees_the_clients_headers_and_query(fixture):
    """Captured: apiGatewayWebSocketApiConnect.json, headers and multiValueHeaders."""
    async with fixture.connect("a=1&a=2", additional_headers={"Cookie": "session=x"}) as ws:
        event = await fixture.connected(ws)
    assert event["headers"]["Cookie"] == "session=x"
    assert event["headers"]["Host"] == f"127.0.0.1:{fixture.port}"
    assert event["headers"]["Sec-WebSocket-Version"] == "13"
    assert event["multiValueHeaders"]["X-Forwarded-For"] == ["127.0.0.1"]
    assert event["multiValueQueryStringParameters"]["a"] == ["1", "2"]
    assert not {"Upgrade", "Connection"} & set(event["headers"])
    assert event["requestContext"]["stage"] == "chat"
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["connectionId"].endswith("=")


@pytest.mark.parametrize("status", [301, 401, 403, 429, 500, 503])
async def test_a_connect_function_that_says_no_decides_the_status(fixture, status, caplog):
    """AWS: The $connect route; a status other than 2xx refuses the connection."""
    with pytest.raises(InvalidStatus) as refused:
        async with fixture.connect(f"status={status}"):
            pass
    assert refused.value.response.status_code == status
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("wish", ["raise", "nothing", "status=99", "protocol=a%20b"])
async def test_a_connect_function_that_fails_is_a_bad_gateway(fixture, wish):
    """Reported: serverless/serverless-websockets-plugin#13, a failing $connect is a 502."""
    with pytest.raises(InvalidStatus) as refused:
        async with fixture.connect(f"{wish}=1" if "=" not in wish else wish):
            pass
    assert refused.value.response.status_code == 502
    body = json.loads(refused.value.response.body)
    assert body.keys() == {"message", "connectionId", "requestId"}
    assert body["message"] == "Internal server error"


async def test_a_refused_connection_has_no_disconnect(fixture):
    """AWS: The $disconnect route runs after a connection is closed; this one never was open."""
    with pytest.raises(InvalidStatus):
        async with fixture.connect("status=403&late"):
            pass
    async with fixture.connect() as ws:
        accepted = await fixture.connection_id(ws)
    await fixture.disconnected(accepted)
    connects = [e for e in fixture.entries() if "late" in (e.get("queryStringParameters") or {})]
    refused = connects[0]["requestContext"]["connectionId"]
    about = [
        e for e in fixture.entries() if e.get("requestContext", {}).get("connectionId") == refused
    ]
    assert [e["requestContext"]["eventType"] for e in about] == ["CONNECT"]


async def test_without_a_connect_route_everybody_is_let_in(fixture):
    """AWS: The $connect route is optional."""
    async with fixture.connect(stage="bare") as ws:
        assert ws.response.status_code == 101


async def test_a_stage_nobody_deployed_is_forbidden(fixture):
    """Remembered: WebSocket APIs answer 403 for a stage that does not exist."""
    with pytest.raises(InvalidStatus) as refused:
        async with fixture.connect(stage="elsewhere"):
            pass
    assert refused.value.response.status_code == 403


async def test_the_subprotocol_is_the_one_the_function_names(fixture):
    """AWS: Set up a $connect route that requires a WebSocket subprotocol."""
    async with fixture.connect("protocol=second", subprotocols=["first", "second"]) as ws:
        assert ws.subprotocol == "second"


async def test_a_subprotocol_nobody_confirmed_is_not_echoed(fixture):
    """AWS: API Gateway returns Sec-WebSocket-Protocol only if the function does."""
    async with fixture.connect(subprotocols=["first", "second"]) as ws:
        assert ws.subprotocol is None


async def test_compression_is_not_negotiated(fixture):
    """Remembered: WebSocket APIs do not accept permessage-deflate."""
    async with connect(f"ws://127.0.0.1:{fixture.port}/chat", compression="deflate") as ws:
        assert "Sec-WebSocket-Extensions" not in ws.response.headers


async def test_a_plain_request_to_a_stage_is_told_to_upgrade(fixture):
    """RFC 9110: 426 Upgrade Required."""
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{fixture.gateway.url}/chat")
    assert response.status_code == 426


# Messages


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


# Limits


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


# Goodbyes


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
