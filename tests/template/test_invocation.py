"""The build for this machine, invoked: a whole chat through functions that Lambda would run.

Each function is a process of its own; PostgreSQL and Redis are real, AWS is a server that remembers
what it was asked.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.template import gateway_events as events
from tests.template.aws import RecordingAws
from tests.template.builds import LAMBDA_BRINGS, TO_INVOKE, python313
from tests.template.lambda_host import LambdaHost, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Database

pytestmark = [
    pytest.mark.artifact,
    pytest.mark.skipif(sys.platform != "linux", reason="the layer is built for Linux"),
]
UNREACHABLE = {
    "PUBLIC_URL": events.ORIGIN,
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def host(function: str, environment: dict[str, str]) -> LambdaHost:
    """The built function in its own process, with nothing of this checkout."""
    path = (TO_INVOKE.folder / function, TO_INVOKE.layer, LAMBDA_BRINGS)
    return LambdaHost(python313(), TO_INVOKE.handler(function), path, environment)


class Built:
    """The built functions of one deployment, each a process from its first invocation on."""

    def __init__(self, processes: ExitStack, environment: dict[str, str]) -> None:
        self._processes = processes
        self._environment = environment
        self._started: dict[str, LambdaHost] = {}

    def invoke(self, function: str, event: object) -> Any:
        """What the function returned; fails with its error if it raised."""
        if function not in self._started:
            started = self._processes.enter_context(host(function, self._environment))
            self._started[function] = started
        outcome = self._started[function].invoke(event)
        assert outcome.kind == "response", outcome.payload
        return outcome.payload


@pytest.fixture
def aws() -> Iterator[RecordingAws]:
    with RecordingAws() as server:
        yield server


@pytest.fixture
def built(owner_database: Database, redis_url: str, aws: RecordingAws) -> Iterator[Built]:
    """Every function with an environment as the template would make it; nothing is migrated."""
    environment = {
        "PUBLIC_URL": events.ORIGIN,
        "DATABASE_URL": owner_database.app_url,
        "DATABASE_MIGRATION_URL": owner_database.owner_url,
        "REDIS_URL": redis_url,
        "WS_API_ENDPOINT": f"{aws.url}/ws",
        "AWS_ENDPOINT_URL_LAMBDA": aws.url,
        "TURN_WORKER_FUNCTION": "cj-turn-worker",
    }
    with ExitStack() as processes:
        yield Built(processes, environment)


def test_a_socket_without_a_cookie_is_refused_without_asking_any_server() -> None:
    with host("WsConnectFunction", UNREACHABLE) as function:
        refused = function.invoke(events.connect(Origin=events.ORIGIN))
    assert refused == Outcome("response", {"statusCode": 401})


def test_what_is_missing_in_the_environment_is_named() -> None:
    environment = {name: v for name, v in UNREACHABLE.items() if name != "PUBLIC_URL"}
    with host("WsConnectFunction", environment) as function:
        refused = function.invoke(events.connect(Origin=events.ORIGIN))
    assert refused == Outcome("response", {"statusCode": 500})
    with host("ArchiverFunction", environment) as function:
        failed = function.invoke({})
    assert failed.kind == "error"
    assert "PUBLIC_URL" in failed.payload["errorMessage"]


def test_a_path_that_is_none_is_not_found() -> None:
    with host("ApiFunction", UNREACHABLE) as function:
        reply = function.invoke(events.get("/api/v1/nothing"))
    assert (reply.kind, reply.payload["statusCode"]) == ("response", 404)


def test_a_chat_goes_all_the_way_through_what_was_built(built: Built, aws: RecordingAws) -> None:
    assert built.invoke("MigrateFunction", {})["applied"]
    assert built.invoke("MigrateFunction", {})["applied"] == []
    cookie = _sign_in(built)
    opening = events.connect(Origin=events.ORIGIN, Cookie=cookie)
    assert built.invoke("WsConnectFunction", opening) == {"statusCode": 200}
    cid = _start(built, aws)
    _say(built, aws, cid)
    [(worker, event)] = aws.invocations
    assert worker == "cj-turn-worker"
    built.invoke("TurnWorkerFunction", event)
    [done] = aws.frames("done")
    assert aws.frames("delta")
    assert (done["status"], done["durable"]) == ("complete", True)
    assert _roles(built, cid, cookie)[-2:] == ["user", "assistant"]
    built.invoke("ArchiverFunction", {})
    assert built.invoke("WsDisconnectFunction", events.disconnect()) == {"statusCode": 200}


def _sign_in(built: Built) -> str:
    reply = built.invoke("ApiFunction", events.get("/api/v1/session"))
    assert reply["statusCode"] == 200
    (set_cookie,) = reply["cookies"]
    return str(set_cookie).split(";", 1)[0]


def _start(built: Built, aws: RecordingAws) -> str:
    frame = events.message(v=1, type="start", id=str(uuid4()))
    assert built.invoke("WsMessageFunction", frame)["statusCode"] == 200
    [ready] = aws.frames("ready")
    assert {connection for connection, _ in aws.posts} == {events.CONNECTION}
    return str(ready["cid"])


def _say(built: Built, aws: RecordingAws, cid: str) -> None:
    aws.invocations.clear()
    aws.posts.clear()
    frame = events.message(v=1, type="message", id=str(uuid4()), cid=cid, text="Hello, CJ.")
    assert built.invoke("WsMessageFunction", frame)["statusCode"] == 200
    [ack] = aws.frames("ack")
    assert ack["durable"] is True


def _roles(built: Built, cid: str, cookie: str) -> list[str]:
    path = "/api/v1/conversations/"
    asked = events.get(path + cid, route=path + "{conversation_id}", cookies=(cookie,))
    reply = built.invoke("ApiFunction", asked)
    return [message["role"] for message in json.loads(reply["body"])["messages"]]
