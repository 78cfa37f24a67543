"""HTTP APIs over the wire, through a function's process and back."""

import base64
import json
from dataclasses import replace

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def client(fixture):
    return httpx.AsyncClient(base_url=fixture.gateway.url, timeout=15)


async def test_a_request_arrives_as_a_documented_event(fixture, client):
    """AWS: Lambda proxy integrations for HTTP APIs, payload format 2.0, over the wire."""
    headers = [("X-Tag", "one"), ("x-tag", "two"), ("Cookie", "a=1; b=2"), ("User-Agent", "me")]
    async with client:
        response = await client.get("/items/caf%C3%A9%20x?q=1&q=2&e=", headers=headers)
    event = response.json()
    assert event["version"] == "2.0"
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "ANY /items/{id}"
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/items/café x"
    assert event["rawQueryString"] == "q=1&q=2&e="
    assert event["queryStringParameters"] == {"q": "1,2", "e": ""}
    assert event["pathParameters"] == {"id": "café x"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-tag"] == "one,two"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert not {"cookie", "connection"} & set(event["headers"])
    assert event["requestContext"]["http"]["userAgent"] == "me"
    assert event["requestContext"]["requestId"] == response.headers["apigw-requestid"]
    assert "body" not in event and "authorizer" not in event["requestContext"]


@pytest.mark.parametrize("path", ["/nothing", "/items/", "/event/more", "/inner/x"])
async def test_a_path_without_a_route_is_not_found(client, path):
    """AWS: HTTP APIs answer {"message": "Not Found"}."""
    async with client:
        response = await client.get(path)
    assert (response.status_code, response.json()) == (404, {"message": "Not Found"})


@pytest.mark.parametrize("answer", ["raise", {"statusCode": "many"}], ids=json.dumps)
async def test_a_failing_function_is_an_internal_server_error(client, answer):
    """AWS: HTTP APIs answer {"message": "Internal Server Error"}."""
    async with client:
        response = await client.post("/reply", json=answer)
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})


async def test_cookies_become_headers_of_their_own(client):
    """AWS: Lambda proxy integrations for HTTP APIs, each cookie becomes a set-cookie header."""
    answer = {"statusCode": 302, "headers": {"Location": "/x"}, "cookies": ["a=1; Path=/", "b=2"]}
    async with client:
        response = await client.post("/reply", json=answer)
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
    assert (response.status_code, response.headers["location"]) == (302, "/x")


async def test_a_late_answer_is_service_unavailable_while_the_function_runs_on(fixture, client):
    """Remembered: {"message": "Service Unavailable"}; AWS quotas: after 30 seconds at most."""
    async with client:
        response = await client.post("/late", json={"seconds": 1, "mark": "http-late"})
    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})
    assert not [e for e in fixture.entries() if e.get("finished") == "http-late"]
    await fixture.entry(lambda e: e.get("finished") == "http-late")


async def test_a_body_above_ten_megabytes_is_too_large(client):
    """AWS: Quotas for HTTP APIs, payload size 10 MB."""
    async with client:
        response = await client.post("/event", content=b"x" * (10 * 1024 * 1024 + 1))
    assert response.status_code == 413
    assert response.json() == {"message": "Request Entity Too Large"}


async def test_a_binary_body_comes_through_whole(client):
    """AWS: Lambda proxy integrations for HTTP APIs, binary bodies are base64-encoded."""
    body = bytes(range(256))
    async with client:
        event = (await client.post("/event", content=body)).json()
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def signed(fixture, credentials, body):
    """Headers that botocore signs this post with."""
    request = AWSRequest("POST", f"{fixture.gateway.url}/inner", data=body)
    keys = Credentials(credentials.access_key, credentials.secret_key, credentials.session_token)
    SigV4Auth(keys, "execute-api", "us-east-1").add_auth(request)
    return dict(request.headers)


async def test_an_iam_route_tells_the_function_who_signed(fixture, client):
    """AWS: IAM authorization for HTTP APIs; captured: apiGatewayProxyV2IamEvent.json."""
    async with client:
        headers = signed(fixture, fixture.gateway.credentials, b"{}")
        response = await client.post("/inner", content=b"{}", headers=headers)
    iam = response.json()["requestContext"]["authorizer"]["iam"]
    assert iam["userArn"] == fixture.gateway.credentials.principal_arn
    assert iam["accountId"] == "123456789012"
    assert iam["accessKey"] == fixture.gateway.credentials.access_key


@pytest.mark.parametrize("how", ["unsigned", "other body", "wrong secret"])
async def test_an_iam_route_refuses_everybody_else(fixture, client, how):
    """Remembered: HTTP APIs answer {"message": "Forbidden"} to who is not authorized."""
    signer = fixture.gateway.credentials
    if how == "wrong secret":
        signer = replace(signer, secret_key="wrong")
    headers = {} if how == "unsigned" else signed(fixture, signer, b"{}")
    async with client:
        body = b"{ }" if how == "other body" else b"{}"
        response = await client.post("/inner", content=body, headers=headers)
    assert (response.status_code, response.json()) == (403, {"message": "Forbidden"})
