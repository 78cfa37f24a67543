"""@connections with real boto3: what functions can do to browsers, and every way it is refused."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed

from local.gateway.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = "BFHPhfCWIAMCKlQ="


@pytest.fixture
def api(fixture):
    """boto3's client, called in a thread."""
    return Api(fixture.client("apigatewaymanagementapi", "/chat"))


class Api:
    def __init__(self, client):
        self.exceptions = client.exceptions
        self._client = client

    async def post(self, connection_id, data):
        call = self._client.post_to_connection
        return await asyncio.to_thread(call, ConnectionId=connection_id, Data=data)

    async def get(self, connection_id):
        return await asyncio.to_thread(self._client.get_connection, ConnectionId=connection_id)

    async def delete(self, connection_id):
        return await asyncio.to_thread(self._client.delete_connection, ConnectionId=connection_id)


async def received(ws):
    async with asyncio.timeout(10):
        return await ws.recv()


async def test_a_post_reaches_the_browser(fixture, api):
    """AWS: Use @connections commands in your backend service, POST."""
    async with fixture.connect() as ws:
        response = await api.post(await fixture.connection_id(ws), "grüße".encode())
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert await received(ws) == "grüße"


async def test_posts_that_are_awaited_arrive_in_their_order(fixture, api):
    """Remembered: a post that was answered arrives before one that was made after."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        for number in range(50):
            await api.post(connection_id, str(number).encode())
        assert [await received(ws) for _ in range(50)] == [str(n) for n in range(50)]


async def test_get_tells_who_is_connected_and_since_when(fixture, api):
    """AWS: GetConnection in botocore's model; ISO 8601, so that boto3 makes datetimes of them."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    async with fixture.connect(user_agent_header="a browser") as ws:
        connection_id = await fixture.connection_id(ws)
        first = await api.get(connection_id)
        await ws.send(json.dumps({"action": "echo"}))
        await received(ws)
        second = await api.get(connection_id)
    assert first["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "a browser"}
    assert before < first["ConnectedAt"] <= first["LastActiveAt"] < second["LastActiveAt"]
    assert first["ConnectedAt"] == second["ConnectedAt"]


async def test_delete_closes_the_connection_normally(fixture, api):
    """Reported: aws/chalice#2060, a deleted connection ends with 1000."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        response = await api.delete(connection_id)
        with pytest.raises(ConnectionClosed) as caught:
            await received(ws)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert caught.value.rcvd.code == 1000
    context = await fixture.disconnected(connection_id)
    assert context["disconnectStatusCode"] == 1000
    assert context["disconnectReason"] == "Connection Closed Normally"


async def test_what_was_posted_before_a_delete_still_arrives(fixture, api):
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        await api.post(connection_id, b"last words")
        await api.delete(connection_id)
        assert await received(ws) == "last words"


@pytest.mark.parametrize("verb", ["post", "get", "delete"])
async def test_an_unknown_connection_is_gone(api, verb):
    """AWS: GoneException 410 in botocore's model, as boto3's own class."""
    arguments = (UNKNOWN, b"x") if verb == "post" else (UNKNOWN,)
    with pytest.raises(api.exceptions.GoneException) as gone:
        await getattr(api, verb)(*arguments)
    assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410
    assert gone.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"]


async def test_a_connection_that_was_closed_is_gone(fixture, api):
    """AWS: GoneException, the connection with the provided id no longer exists."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
    await fixture.disconnected(connection_id)
    with pytest.raises(api.exceptions.GoneException):
        await api.post(connection_id, b"x")


async def test_a_deleted_connection_is_gone_at_once(fixture, api):
    """AWS: GoneException after DELETE, whether or not the client has noticed."""
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        await api.delete(connection_id)
        with pytest.raises(api.exceptions.GoneException):
            await api.post(connection_id, b"x")


async def test_posting_inside_connect_is_gone(fixture):
    """AWS: How do I resolve 410 GoneException; the connection is not established before $connect
    returned."""
    async with fixture.connect("post=1") as ws:
        await fixture.entry(lambda e: e.get("posted") == "gone")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ws.recv(), 0.2)


async def test_a_connection_of_another_api_is_gone(fixture):
    """Remembered: a connection belongs to the API it was made for."""
    other = Api(fixture.client("apigatewaymanagementapi", "/bare"))
    async with fixture.connect() as ws:
        with pytest.raises(other.exceptions.GoneException):
            await other.post(await fixture.connection_id(ws), b"x")


async def test_128_kilobytes_can_be_posted_and_not_one_byte_more(fixture, api):
    """AWS: PayloadTooLargeException 413; Data is at most 131,072 bytes in botocore's model."""
    async with fixture.connect(max_size=None) as ws:
        connection_id = await fixture.connection_id(ws)
        await api.post(connection_id, b"x" * 131_072)
        assert len(await received(ws)) == 131_072
        with pytest.raises(api.exceptions.PayloadTooLargeException) as refused:
            await api.post(connection_id, b"x" * 131_073)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


async def test_a_stage_nobody_deployed_is_forbidden(fixture):
    """AWS: ForbiddenException 403 in botocore's model; reported for a wrong endpoint."""
    elsewhere = Api(fixture.client("apigatewaymanagementapi", "/elsewhere"))
    with pytest.raises(elsewhere.exceptions.ForbiddenException) as refused:
        await elsewhere.post(UNKNOWN, b"x")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


async def test_a_slow_reader_is_refused_more_and_holds_up_nobody(running):
    """AWS: LimitExceededException 429, "the WebSocket client side buffer is full"."""
    async with running(limits=Limits(unread_bytes=300_000, closing_s=0.2)) as fixture:
        api = Api(fixture.client("apigatewaymanagementapi", "/chat"))
        async with fixture.connect(max_queue=1) as slow, fixture.connect() as quick:
            owed, served = await fixture.connection_id(slow), await fixture.connection_id(quick)
            slow.transport.pause_reading()
            with pytest.raises(api.exceptions.LimitExceededException):
                for _ in range(1000):  # far more than all buffers on the way hold
                    await api.post(owed, b"x" * 100_000)
            await api.post(served, b"hello")
            assert await received(quick) == "hello"
            await api.delete(owed)
            assert (await fixture.disconnected(owed))["disconnectStatusCode"] == 1000
            slow.transport.abort()


# Signatures


async def refused_with(fixture, credentials):
    client = Api(fixture.client("apigatewaymanagementapi", "/chat", credentials))
    with pytest.raises(ClientError) as refused:
        await client.post(UNKNOWN, b"x")
    response = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


async def test_a_wrong_secret_is_refused(fixture):
    """AWS: common errors, InvalidSignatureException 403."""
    wrong = replace(fixture.gateway.credentials, secret_key="wrong")
    assert await refused_with(fixture, wrong) == (403, "InvalidSignatureException")


async def test_an_unknown_key_is_refused(fixture):
    """AWS: common errors, UnrecognizedClientException 403."""
    wrong = replace(fixture.gateway.credentials, access_key="ASIAWRONG")
    assert await refused_with(fixture, wrong) == (403, "UnrecognizedClientException")


async def test_an_unsigned_post_is_refused_even_for_an_open_connection(fixture):
    """AWS: @connections wants Signature Version 4; without one, 403."""
    async with fixture.connect() as ws, httpx.AsyncClient() as client:
        connection_id = quote(await fixture.connection_id(ws), safe="")
        url = f"{fixture.gateway.url}/chat/@connections/{connection_id}"
        response = await client.post(url, content=b"x")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ws.recv(), 0.2)
    assert response.status_code == 403
    assert response.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert response.json() == {"message": "Missing Authentication Token"}


@pytest.mark.parametrize("at", ["@", "%40"])
@pytest.mark.parametrize("equals", ["=", "%3D", "%3d"])
async def test_an_id_is_understood_with_its_equals_sign_encoded_or_not(fixture, at, equals):
    """Captured: ids end in `=`; AWS: connection ids must be URL-encoded, and clients differ."""
    async with fixture.connect() as ws:
        connection_id = (await fixture.connection_id(ws)).replace("=", equals)
        path = f"/chat/{at}connections/{connection_id}"
        response = await raw_post(fixture, path, b"hello")
        assert await received(ws) == "hello"
    assert response == 200


async def raw_post(fixture, path, body):
    """A signed post whose path nobody rewrites."""
    signer = fixture.gateway.credentials
    request = AWSRequest("POST", f"{fixture.gateway.url}{path}", data=body)
    keys = Credentials(signer.access_key, signer.secret_key, signer.session_token)
    SigV4Auth(keys, "execute-api", "us-east-1").add_auth(request)
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{fixture.port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    reader, writer = await asyncio.open_connection("127.0.0.1", fixture.port)
    writer.write("\r\n".join(lines).encode() + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ")[1])
