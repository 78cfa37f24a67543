"""The whole gateway: one port, the page, what functions and people are told."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from local.gateway.endpoints import localised, sdk_endpoints
from local.gateway.model import Function, GatewayError, HttpApi, Model, WebSocketApi
from local.gateway.report import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[2]
TEMPLATE = Path(__file__).parent / "fixture" / "template.yaml"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page with a hashed asset, beside a file that must stay outside."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "secret").write_text("secret")
    page = folder / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>the page</title>")
    (page / "robots.txt").write_text("User-agent: *")
    (page / "assets" / "index-DiwrgTda.js").write_text("export {}")
    (page / "assets" / "plain.css").write_text("a{}")
    return page


async def raw_get(port, path):
    """The status and body of a GET whose path nobody normalises."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split(b" ")[1]), body


async def hello(_request):
    return PlainTextResponse("mounted")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole(running, site):
    """A gateway with a page and a mounted app, and what it reported."""
    said = []
    third = Starlette(routes=[Route("/third/party", hello)])
    options = {"static": site, "mounts": {"/third": third}, "report": said.append}
    async with (
        running(**options) as fixture,
        httpx.AsyncClient(base_url=fixture.gateway.url) as client,
    ):
        yield fixture, client, said


async def test_the_page_is_at_the_root_with_a_strict_policy(whole):
    _, client, _ = whole
    response = await client.get("/")
    assert "the page" in response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


async def test_the_pages_own_routes_are_the_page_too(whole):
    _, client, _ = whole
    response = await client.get("/conversations/7")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-cache")
    assert "the page" in response.text


async def test_only_names_that_are_hashes_are_kept_for_ever(whole):
    _, client, _ = whole
    script = await client.get("/assets/index-DiwrgTda.js")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"].startswith("text/javascript")
    style = await client.get("/assets/plain.css")
    assert style.headers["cache-control"] == "no-cache"
    assert style.headers["content-type"].startswith("text/css")


async def test_a_file_the_browser_has_is_not_sent_again(whole):
    _, client, _ = whole
    first = await client.get("/robots.txt")
    again = await client.get("/robots.txt", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_what_is_not_there_is_not_found(whole):
    _, client, _ = whole
    missing = await client.get("/gone.png")
    assert (missing.status_code, missing.json()) == (404, {"message": "Not Found"})
    assert (await client.post("/", content=b"x")).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/assets/../../secret", "//etc/passwd"],
)
async def test_no_path_leads_out_of_the_pages_folder(whole, path):
    fixture, _, _ = whole
    status, body = await raw_get(fixture.port, path)
    assert status in (200, 404)
    assert not any(word in body for word in (b"secret", b"root:"))


async def test_routes_and_mounts_come_before_the_page(whole):
    _, client, _ = whole
    assert (await client.get("/third/party")).text == "mounted"
    assert (await client.get("/items/mine")).json()["routeKey"] == "GET /items/mine"


async def test_everything_served_is_reported_with_its_status(whole):
    fixture, client, said = whole
    async with fixture.connect() as ws:
        connection_id = await fixture.connection_id(ws)
        await ws.send('{"action": "fail"}')
        await ws.recv()
    await client.get("/items/mine")
    await client.get("/gone.png")
    await fixture.until(lambda: any(s.kind == "DISCONNECT" for s in said if isinstance(s, Served)))
    served = [s for s in said if isinstance(s, Served)]
    about = [(s.kind, s.target, s.status) for s in served if s.connection_id == connection_id]
    assert about == [
        ("CONNECT", "/chat", 101),
        ("MESSAGE", "fail", 500),
        ("DISCONNECT", "/chat", 1000),
    ]
    others = {(s.kind, s.target, s.status) for s in served if s.connection_id is None}
    assert {("HTTP", "GET /items/mine", 200), ("PAGE", "GET /gone.png", 404)} <= others


async def test_a_port_in_use_is_named_with_its_remedy(running):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(GatewayError, match=rf"{port}.*--port"):
            async with running(port=port):
                pass


async def test_a_port_that_cannot_be_is_named_with_its_remedy(running):
    with pytest.raises(GatewayError, match=r"70000.*--port"):
        async with running(port=70_000):
            pass


async def test_a_function_is_invoked_by_its_name(fixture):
    outcome = await fixture.gateway.invoke("Echo", {"body": "by hand"})
    assert outcome.error is None
    assert b"by hand" in outcome.payload


async def test_a_name_nobody_has_lists_those_there_are(fixture):
    with pytest.raises(GatewayError, match=r"Nobody.*Echo"):
        await fixture.gateway.invoke("Nobody")


async def test_an_event_can_be_made_to_arrive_twice(running):
    """AWS: Asynchronous invocation; a function must expect the same event more than once."""
    async with running(duplicate_events=True) as fixture:
        client = fixture.client("lambda")
        payload = json.dumps({"body": json.dumps({"seconds": 0, "mark": "event"})})
        response = await asyncio.to_thread(
            client.invoke, FunctionName="Slow", InvocationType="Event", Payload=payload
        )
        assert response["StatusCode"] == 202
        await fixture.until(lambda: len(fixture.entries()) == 2)
        assert [entry["finished"] for entry in fixture.entries()] == ["event", "event"]


async def test_addresses_of_the_templates_own_apis_point_at_this_port():
    def pointed(value):
        function = Function("F", "f", "h.h", (), {"URL": value}, 3, 128, "arn", "role")
        http = HttpApi("H", "HttpApi", "$default", ())
        sockets = WebSocketApi("W", "WebSocketApi", "ws", "", {})
        model = localised(Model({"F": function}, (http,), (sockets,)), "127.0.0.1:8000")
        assert sdk_endpoints(model, "127.0.0.1:8000") == {
            "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:8000",
            "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "http://127.0.0.1:8000/ws",
        }
        return model.functions["F"].environment["URL"]

    host = "execute-api.us-east-1.amazonaws.com"
    assert pointed(f"https://WebSocketApi.{host}/ws") == "http://127.0.0.1:8000/ws"
    assert pointed(f"wss://WebSocketApi.{host}/ws") == "ws://127.0.0.1:8000/ws"
    assert pointed(f"https://HttpApi.{host}") == "http://127.0.0.1:8000"
    assert pointed(f"https://Elsewhere.{host}/ws") == f"https://Elsewhere.{host}/ws"
    assert pointed("plain words") == "plain words"


def written(folder, word, path="/"):
    """A template with one function that answers one word. JSON is YAML."""
    folder.joinpath("words.py").write_text(f"def say(event, _context):\n    return {word!r}\n")
    get = {"Type": "HttpApi", "Properties": {"Method": "GET", "Path": path}}
    say = {"Handler": "words.say", "CodeUri": ".", "Runtime": "python3.13", "Events": {"Get": get}}
    document = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Say": {"Type": "AWS::Serverless::Function", "Properties": say}},
    }
    folder.joinpath("template.yaml").write_text(json.dumps(document))
    return folder / "template.yaml"


async def test_changed_code_and_a_changed_template_are_served_at_once(running, tmp_path):
    template = written(tmp_path, "before")
    async with (
        running(template=template, reload=True) as fixture,
        httpx.AsyncClient(base_url=fixture.gateway.url) as client,
    ):
        assert (await client.get("/")).text == "before"
        written(tmp_path, "after", "/moved")

        async def moved():
            return (await client.get("/moved")).text == "after"

        await fixture.until(moved)
        assert (await client.get("/")).status_code == 404


async def started(*arguments):
    """The gateway as a program of its own, and its first line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "local.gateway", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        return process, (await process.stdout.readline()).decode()


async def test_it_runs_by_itself_until_it_is_interrupted():
    process, line = await started(str(TEMPLATE), "--port", "0")
    url = line.split(" at ")[1].strip()
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/items/mine")).status_code == 200
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))


async def test_by_itself_too_an_error_is_one_line_that_says_what_to_do(tmp_path):
    process, _ = await started(str(tmp_path / "missing.yaml"), "--port", "0")
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"missing.yaml" in errors
    assert b"Traceback" not in errors
