"""One gateway on the fixture's template, real function processes and all, for a module's tests."""

import asyncio
import inspect
import json
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import pytest_asyncio
from botocore.config import Config
from websockets.asyncio.client import connect

from local.gateway.app import Gateway, Options
from local.gateway.limits import Limits

TEMPLATE = Path(__file__).parent / "fixture" / "template.yaml"
PATIENCE_S = 10


async def until(found):
    """What `found` (or awaiting it) returns once it is true; fails after a bounded time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        result = found()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return result
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


@dataclass
class Fixture:
    """A running gateway, and what its functions wrote down."""

    gateway: Gateway
    record: Path
    until = staticmethod(until)

    @property
    def port(self):
        return self.gateway.port

    def client(self, service, path="", credentials=None):
        """A real boto3 client of this gateway, as the operator unless told otherwise."""
        signer = credentials or self.gateway.credentials
        return boto3.client(
            service,
            endpoint_url=f"{self.gateway.url}{path}",
            region_name="us-east-1",
            aws_access_key_id=signer.access_key,
            aws_secret_access_key=signer.secret_key,
            aws_session_token=signer.session_token,
            config=Config(retries={"max_attempts": 1, "mode": "standard"}),
        )

    def connect(self, query="", stage="chat", **given):
        """A real WebSocket client, which names itself so that its events can be found."""
        mark = uuid.uuid4().hex
        url = f"ws://127.0.0.1:{self.port}/{stage}?mark={mark}&{query}"
        return Opening(connect(url, compression=None, **given), mark)

    def entries(self):
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [json.loads(line) for line in lines]

    async def entry(self, wanted):
        """The first entry that `wanted` accepts, waited for."""
        return await until(lambda: next((e for e in self.entries() if wanted(e)), None))

    async def connected(self, ws):
        """The $connect event of this client."""
        return await self.entry(
            lambda e: (e.get("queryStringParameters") or {}).get("mark") == ws.mark
        )

    async def connection_id(self, ws):
        return (await self.connected(ws))["requestContext"]["connectionId"]

    async def disconnected(self, connection_id):
        """The $disconnect event's context of this connection."""

        def is_it(entry):
            context = entry.get("requestContext", {})
            return (context.get("connectionId"), context.get("eventType")) == (
                connection_id,
                "DISCONNECT",
            )

        return (await self.entry(is_it))["requestContext"]


class Opening:
    """`connect` of websockets, whose client remembers its mark."""

    def __init__(self, opening, mark):
        self._opening = opening
        self.mark = mark

    async def __aenter__(self):
        client = await self._opening.__aenter__()
        client.mark = self.mark
        return client

    async def __aexit__(self, *given):
        await self._opening.__aexit__(*given)


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """Starts gateways on the fixture's template: `async with running(limits=...) as fixture`."""

    @asynccontextmanager
    async def start(limits=None, **options):
        record = tmp_path_factory.mktemp("gateway") / "record"
        environment = {"RECORD": str(record), **options.pop("environment", {})}
        chosen = Options(
            limits=limits or Limits(),
            environment=environment,
            **{"template": TEMPLATE, "port": 0, **options},
        )
        async with Gateway(chosen) as gateway:
            yield Fixture(gateway, record)

    return start


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fixture(running):
    """The one gateway with AWS's own limits that most tests share."""
    async with running() as started:
        yield started
