"""Events, field by field: the same names, types and absences as documented or captured."""

import re
from datetime import UTC, datetime

import pytest

from local.gateway.events import (
    Peer,
    Socket,
    connect_event,
    disconnect_event,
    forwarded,
    gateway_id,
    message_event,
    trace_id,
)
from local.gateway.http_events import HttpRequest, http_event
from local.gateway.model import HttpApi, HttpRoute, WebSocketApi
from local.gateway.sigv4 import Credentials

OPENED = datetime(2024, 11, 11, 11, 35, 24, 553000, UTC)
NOW = datetime(2024, 11, 11, 11, 35, 24, 561000, UTC)
PEER = Peer("166.90.225.1", None)
API = WebSocketApi("Sockets", "asasasas", "prod", "$request.body.action", {})
HOST = "asasasas.execute-api.us-east-1.amazonaws.com"
SOCKET = Socket(API, "BFHPhfCWIAMCKlQ=", HOST, PEER, OPENED)

CONTEXT = {
    "extendedRequestId": "BFHPhFe3IAMF95g=",
    "requestTime": "11/Nov/2024:11:35:24 +0000",
    "messageDirection": "IN",
    "stage": "prod",
    "connectedAt": 1731324924553,
    "requestTimeEpoch": 1731324924561,
    "identity": {"sourceIp": "166.90.225.1"},
    "requestId": "BFHPhFe3IAMF95g=",
    "domainName": HOST,
    "connectionId": "BFHPhfCWIAMCKlQ=",
    "apiId": "asasasas",
}


def connect(headers=(), query="", socket=SOCKET):
    return connect_event(socket, headers, query, request_id="BFHPhFe3IAMF95g=", now=NOW)


def test_a_connect_event_has_the_captured_fields():
    """Captured: apiGatewayWebSocketApiConnect.json of powertools-lambda-python."""
    event = connect((("host", HOST), ("sec-websocket-version", "13")))
    assert event == {
        "headers": {"Host": HOST, "Sec-WebSocket-Version": "13"},
        "multiValueHeaders": {"Host": [HOST], "Sec-WebSocket-Version": ["13"]},
        "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", **CONTEXT},
        "isBase64Encoded": False,
    }


def test_a_connect_event_has_the_query_twice_when_there_is_one():
    """AWS: WebSocket $connect route, query string parameters; single values keep the last."""
    event = connect(query="a=1&a=2&b=%C3%A4&empty=")
    assert event["queryStringParameters"] == {"a": "2", "b": "ä", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["ä"], "empty": [""]}


def test_a_repeated_header_keeps_its_last_value_and_all_of_them():
    """Captured: multiValueHeaders beside headers, as in apiGatewayWebSocketApiConnect.json."""
    event = connect((("x-tag", "one"), ("x-tag", "two"), ("connection", "Upgrade")))
    assert event["headers"] == {"X-Tag": "two"}
    assert event["multiValueHeaders"] == {"X-Tag": ["one", "two"]}


def test_the_identity_names_the_user_agent_of_a_client_that_has_one():
    """Captured: identity.userAgent of a browser's connection; absent for a client without."""
    socket = Socket(API, "x=", HOST, Peer("::1", "Mozilla/5.0"), OPENED)
    identity = connect(socket=socket)["requestContext"]["identity"]
    assert identity == {"userAgent": "Mozilla/5.0", "sourceIp": "::1"}


def test_a_message_event_has_no_headers_and_no_query():
    """Captured: apiGatewayWebSocketApiMessage.json of powertools-lambda-python."""
    event = message_event(
        SOCKET,
        "chat",
        '{"action": "chat"}',
        request_id="BFHPhFe3IAMF95g=",
        message_id="BFaVtfGSIAMCKug=",
        now=NOW,
    )
    assert event == {
        "requestContext": {
            "routeKey": "chat",
            "messageId": "BFaVtfGSIAMCKug=",
            "eventType": "MESSAGE",
            **CONTEXT,
        },
        "body": '{"action": "chat"}',
        "isBase64Encoded": False,
    }


def test_a_disconnect_event_says_how_it_ended():
    """Captured: apiGatewayWebSocketApiDisconnect.json of powertools-lambda-python."""
    event = disconnect_event(SOCKET, 1005, "", request_id="BFHPhFe3IAMF95g=", now=NOW)
    headers = {"Host": HOST, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    assert event == {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {
            "routeKey": "$disconnect",
            "disconnectStatusCode": 1005,
            "eventType": "DISCONNECT",
            "disconnectReason": "Client-side close frame status not set",
            **CONTEXT,
        },
        "isBase64Encoded": False,
    }


def test_ids_look_like_api_gateways():
    """Captured: connectionId BFHPhfCWIAMCKlQ=, sixteen characters that end in `=`."""
    ids = {gateway_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{15}=", found) for found in ids)


def test_api_gateways_own_headers_are_added_to_the_clients():
    """Captured: X-Amzn-Trace-Id and X-Forwarded-* in apiGatewayWebSocketApiConnect.json."""
    sent = (("X-Forwarded-For", "10.0.0.1"), ("x-forwarded-proto", "gopher"), ("A", "b"))
    headers = dict(forwarded(sent, PEER, port=443, trace_id="Root=1-2-3"))
    assert headers == {
        "A": "b",
        "X-Amzn-Trace-Id": "Root=1-2-3",
        "X-Forwarded-For": "10.0.0.1, 166.90.225.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "http",
    }
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace_id(NOW))


HTTP_API = HttpApi("Http", "api-id", "$default", ())


def http(request, route=None, parameters=None, caller=None):
    return http_event(
        HTTP_API,
        route or HttpRoute("ANY", "$default", "F"),
        request,
        parameters or {},
        account_id="123456789012",
        caller=caller,
        request_id="id",
        now=datetime(2020, 3, 12, 19, 3, 58, 390000, UTC),
    )


def posted(**changed):
    given = {
        "method": "POST",
        "path": "/my/path",
        "query": "parameter1=value1&parameter1=value2&parameter2=value",
        "headers": (
            ("Host", "id.execute-api.us-east-1.amazonaws.com"),
            ("Cookie", "cookie1; cookie2"),
            ("Header1", "value1"),
            ("Header2", "value1"),
            ("header2", "value2"),
            ("Content-Type", "application/json"),
        ),
        "body": b'{"message": "hello"}',
        "peer": Peer("192.168.0.1", "agent"),
    }
    return HttpRequest(**{**given, **changed})


def test_an_http_event_has_the_documented_fields():
    """AWS: Lambda proxy integrations for HTTP APIs, payload format 2.0."""
    event = http(posted(), parameters={"parameter1": "value1"})
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["cookie1", "cookie2"],
        "headers": {
            "host": "id.execute-api.us-east-1.amazonaws.com",
            "header1": "value1",
            "header2": "value1,value2",
            "content-type": "application/json",
        },
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.168.0.1",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1584039838390,
        },
        "body": '{"message": "hello"}',
        "pathParameters": {"parameter1": "value1"},
        "isBase64Encoded": False,
    }


def test_what_a_request_does_not_have_is_not_in_its_event():
    """Captured: apiGatewayProxyV2Event_GET.json has no body; no cookies, no cookies field."""
    event = http(posted(method="GET", query="", headers=(("Host", "h"),), body=b""))
    absent = {"body", "cookies", "queryStringParameters", "pathParameters", "authorizer"}
    assert not absent & {*event, *event["requestContext"]}
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("content_type", "encoded"),
    [
        ("application/json; charset=utf-8", False),
        ("text/csv", False),
        ("application/xml", False),
        ("application/javascript", False),
        ("application/x-www-form-urlencoded", True),
        ("application/octet-stream", True),
        ("multipart/form-data; boundary=x", True),
        (None, True),
    ],
)
def test_bodies_that_are_no_text_arrive_as_base64(content_type, encoded):
    """Reported: ministackorg/ministack#766, which types arrive as text, tried on AWS."""
    headers = (("content-type", content_type),) if content_type else ()
    event = http(posted(headers=headers, body=b"\xc3\xa4=1"))
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == ("w6Q9MQ==" if encoded else "ä=1")


def test_an_iam_caller_is_named_in_the_event():
    """Captured: apiGatewayProxyV2IamEvent.json, requestContext.authorizer.iam."""
    arn = "arn:aws:sts::123456789012:assumed-role/worker/one"
    event = http(posted(), caller=Credentials("ASIAKEY", "secret", "token", arn))
    assert event["requestContext"]["authorizer"] == {
        "iam": {
            "accessKey": "ASIAKEY",
            "accountId": "123456789012",
            "callerId": "AROAKEY:one",
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": arn,
            "userId": "AROAKEY:one",
        }
    }
    assert "secret" not in str(event) and "token" not in str(event["requestContext"])
