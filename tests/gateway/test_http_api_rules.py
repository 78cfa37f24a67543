"""HTTP APIs: which route takes a request, and what a function's answer means."""

import base64
import json

import pytest

from local.gateway.http_api import reply_of, select_route
from local.gateway.integration import IntegrationFailed
from local.gateway.model import HttpApi, HttpRoute


def api(*keys):
    pairs = [key.split(" ") if " " in key else ("ANY", key) for key in keys]
    routes = tuple(HttpRoute(method, path, "F") for method, path in pairs)
    return HttpApi("Http", "id", "$default", routes)


PETS = api(
    "GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"
)


@pytest.mark.parametrize(
    ("request_line", "key", "parameters"),
    [
        ("GET /pets/dog/1", "GET /pets/dog/1", {}),
        ("GET /pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET /pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST /test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("POST /pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
        ("GET /", "$default", {}),
    ],
)
def test_the_most_specific_route_takes_the_request(request_line, key, parameters):
    """AWS: Create routes for HTTP APIs, routing API requests (its own table of examples)."""
    match = select_route(PETS, *request_line.split(" "))
    assert (match.route.key, match.parameters) == (key, parameters)


@pytest.mark.parametrize(
    ("keys", "request_line", "chosen"),
    [
        (("ANY /a", "GET /a"), "GET /a", "GET /a"),
        (("ANY /a", "GET /a"), "PUT /a", "ANY /a"),
        (("GET /{x}/b", "GET /a/{y}"), "GET /a/b", "GET /a/{y}"),
        (("GET /{proxy+}", "GET /a/{rest+}"), "GET /a/b", "GET /a/{rest+}"),
        (("ANY /a/{id}", "GET /a/{rest+}"), "GET /a/b", "ANY /a/{id}"),
    ],
)
def test_a_route_of_its_own_wins_over_one_for_all(keys, request_line, chosen):
    """AWS: Create routes for HTTP APIs; ANY matches the methods that have no route."""
    assert select_route(api(*keys), *request_line.split(" ")).route.key == chosen


@pytest.mark.parametrize(
    "request_line",
    ["GET /", "POST /a", "GET /a/", "GET /a/b", "GET /items/", "GET /items", "GET /files/"],
)
def test_no_route_takes_what_matches_none(request_line):
    """AWS: Create routes for HTTP APIs, a request that matches no route is not found."""
    some = api("GET /a", "GET /items/{id}", "GET /files/{rest+}")
    assert select_route(some, *request_line.split(" ")) is None


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("Hello from Lambda!", b"Hello from Lambda!"),
        ({"message": "hello"}, b'{"message":"hello"}'),
        ([1, 2], b"[1,2]"),
        (None, b"null"),
    ],
    ids=str,
)
def test_an_answer_without_a_status_is_the_body_itself(answer, body):
    """AWS: Lambda proxy integrations for HTTP APIs, API Gateway infers the response format."""
    response = reply_of(answer)
    assert (response.status_code, response.body) == (200, body)
    assert response.headers["content-type"] == "application/json"


def test_a_full_answer_sets_status_headers_cookies_and_body():
    """AWS: Lambda proxy integrations for HTTP APIs, response format 2.0."""
    response = reply_of(
        {
            "statusCode": 201,
            "headers": {"X-Number": 7, "Content-Type": "text/html", "Content-Length": "999"},
            "cookies": ["a=1; Path=/", "b=2"],
            "isBase64Encoded": True,
            "body": base64.b64encode(b"\x00\xff").decode(),
        }
    )
    assert (response.status_code, response.body) == (201, b"\x00\xff")
    assert response.headers.getlist("set-cookie") == ["a=1; Path=/", "b=2"]
    assert response.headers["x-number"] == "7"
    assert response.headers.getlist("content-type") == ["text/html"]
    assert response.headers["content-length"] == "2"


def test_a_text_without_a_type_is_plain_text():
    """Remembered: HTTP APIs answer text/plain unless the function names a type."""
    assert (
        reply_of({"statusCode": 200, "body": "x"}).headers["content-type"].startswith("text/plain")
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "many"},
        {"statusCode": 99},
        {"statusCode": None},
        {"statusCode": 200, "body": {"an": "object"}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"bad name\n": "x"}},
        {"statusCode": 200, "headers": {"a": "x\r\nInjected: y"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
    ],
    ids=json.dumps,
)
def test_an_answer_that_is_none_is_an_error(answer):
    """AWS: Lambda proxy integrations for HTTP APIs, an invalid response is a 500."""
    with pytest.raises(IntegrationFailed):
        reply_of(answer)
