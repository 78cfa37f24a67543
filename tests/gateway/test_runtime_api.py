"""The Lambda Runtime API as a runtime sees it, spoken by a plain HTTP client.

docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from local.gateway.runtime_api import Hooks, Invocation, RuntimeApi
from tests.gateway.pools import until

INVOCATION = Invocation("the-id", b'{"a": 1}', "the:arn", "Root=1-2-3", 1_800_000_000_000)


class Told:
    """What the API told its owner."""

    def __init__(self):
        self.asked = 0
        self.answers = []
        self.errors = []

    def hooks(self):
        return Hooks(self._asked, lambda *answer: self.answers.append(answer), self.errors.append)

    def _asked(self):
        self.asked += 1


@asynccontextmanager
async def serving():
    told = Told()
    api = RuntimeApi(told.hooks())
    address = await api.open()
    base = f"http://{address}/2018-06-01/runtime"
    async with httpx.AsyncClient(base_url=base, timeout=20) as client:
        yield api, told, client
    api.close()


async def next_invocation(api, told, client):
    asking = asyncio.create_task(client.get("/invocation/next"))
    await until(lambda: told.asked)
    api.hand_over(INVOCATION)
    return await asking


async def test_next_waits_and_brings_the_documented_headers():
    async with serving() as (api, told, client):
        response = await next_invocation(api, told, client)
    assert (response.status_code, response.content) == (200, b'{"a": 1}')
    expected = {
        "lambda-runtime-aws-request-id": "the-id",
        "lambda-runtime-deadline-ms": "1800000000000",
        "lambda-runtime-invoked-function-arn": "the:arn",
        "lambda-runtime-trace-id": "Root=1-2-3",
        "content-type": "application/json",
    }
    assert {name: response.headers[name] for name in expected} == expected


async def test_a_response_is_accepted_once():
    async with serving() as (api, told, client):
        await next_invocation(api, told, client)
        first = await client.post("/invocation/the-id/response", content=b"1")
        again = await client.post("/invocation/the-id/response", content=b"2")
    assert (first.status_code, again.status_code) == (202, 400)
    assert again.json()["errorType"] == "InvalidRequestID"
    assert told.answers == [(b"1", False)]


async def test_an_error_is_accepted_as_one():
    async with serving() as (api, told, client):
        await next_invocation(api, told, client)
        response = await client.post("/invocation/the-id/error", content=b"{}")
    assert response.status_code == 202
    assert told.answers == [(b"{}", True)]


async def test_a_response_to_another_request_is_refused():
    async with serving() as (api, told, client):
        await next_invocation(api, told, client)
        response = await client.post("/invocation/another/response", content=b"1")
    assert response.status_code == 400
    assert told.answers == []


async def test_too_large_a_response_is_413_and_the_owner_is_told():
    async with serving() as (api, told, client):
        await next_invocation(api, told, client)
        response = await client.post("/invocation/the-id/response", content=b"x" * 6_291_557)
    assert response.status_code == 413
    assert response.json()["errorType"] == "RequestEntityTooLarge"
    assert told.answers == [(None, True)]


async def test_a_failed_start_is_accepted():
    async with serving() as (_api, told, client):
        response = await client.post("/init/error", content=b'{"errorType": "a"}')
    assert response.status_code == 202
    assert told.errors == [b'{"errorType": "a"}']


async def test_other_paths_are_not_there():
    async with serving() as (_api, _told, client):
        assert (await client.get("/invocation/the-id/other")).status_code == 404


async def test_a_large_body_announced_with_expect_is_asked_for_at_once():
    async with serving() as (api, told, client):
        await next_invocation(api, told, client)
        host, port = client.base_url.host, client.base_url.port
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"POST /2018-06-01/runtime/invocation/the-id/response HTTP/1.1\r\nHost: a\r\n"
            b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 100")
        writer.write(b"42")
        await until(lambda: told.answers)
        writer.close()
        await writer.wait_closed()
    assert told.answers == [(b"42", False)]


async def test_an_invocation_cannot_be_handed_over_unasked():
    async with serving() as (api, _told, _client):
        with pytest.raises(RuntimeError, match="has not asked"):
            api.hand_over(INVOCATION)
