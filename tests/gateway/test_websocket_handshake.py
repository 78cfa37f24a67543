"""The WebSocket handshake: what $connect sees, who is refused, what is negotiated."""

import json

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
