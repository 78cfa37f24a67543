"""The whole local runtime with servers of its own behind proxies, so that all of it can be hurt.

The ports the functions know stay the same while the servers behind them are killed and come back.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import asyncpg
import boto3
from redis.asyncio import Redis

from local.servers.postgres import Postgres
from local.servers.valkey import Valkey
from tests.chaos import diary
from tests.e2e.running import ROOT, Running
from tests.processes import descendants, lives, until
from tests.proxy import ANY_REPLY, Proxy, through

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.chaos.diary import Doing

# People do not type this fast, and nobody wants to wait 20 s for each dead worker.
LIMITS = {
    "TURN_LEASE_S": "3",
    "LIMIT_WAITING": "100",
    "LIMIT_MESSAGES_PER_MINUTE": "1000000",
    "LIMIT_MESSAGES_BURST": "1000000",
    "LIMIT_CONVERSATIONS_PER_HOUR": "1000000",
    "LIMIT_SESSION_CONNECTS_PER_MINUTE": "1000000",
    "LIMIT_ADDRESS_CONNECTS_PER_MINUTE": "1000000",
}
ARCHIVER = "ArchiverFunction"
_HANDLERS = {
    "ws_message": "message",
    "turn_worker": "turn",
    "archiver": "sweep",
}


class Stage:
    """`async with Stage()`: everything runs, and nothing is left of it afterwards."""

    def __init__(self, limits: Mapping[str, str] = LIMITS) -> None:
        self.limits = limits
        self.redis_lost_at: list[float] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._build()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _build(self) -> None:
        stack = self._stack
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="cj-chaos-"))
        self.diary = Path(home, "diary")
        self.diary.mkdir()
        self.postgres, self.valkey = Postgres(Path(home, "pg")), Valkey(Path(home, "valkey"))
        for server in (self.postgres, self.valkey):
            stack.push_async_callback(asyncio.to_thread, server.stop)
            await asyncio.to_thread(server.start)
        self.to_postgres = await stack.enter_async_context(Proxy(self.postgres.port))
        self.to_redis = await stack.enter_async_context(Proxy(self.valkey.port, reply=ANY_REPLY))
        # Unmeasured: its lines are others' to cover, and it has enough to do.
        ours = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
        environ = {**ours, **self._where(), **self.limits}
        template = rehearsing(Path(home, "template.yaml"), self.diary)
        self.running = Running(Path(home, "data"), environ=environ, template=template)
        stack.push_async_callback(asyncio.to_thread, self._stop_running)
        await asyncio.to_thread(self.running.start)
        self.url = self.running.url

    @property
    def lease_s(self) -> float:
        """How long a dead worker keeps its turn."""
        return float(self.limits["TURN_LEASE_S"])

    def _stop_running(self) -> None:
        if hasattr(self.running, "process"):
            self.running.stop()

    def _where(self) -> dict[str, str]:
        return {
            "DATABASE_URL": through(self.postgres.app_url, self.to_postgres),
            "DATABASE_MIGRATION_URL": self.postgres.owner_url,
            "REDIS_URL": through(self.valkey.url, self.to_redis),
        }

    # who is at it

    def speaking(self) -> list[Doing]:
        """Every turn that runs now."""
        return diary.speaking(self.diary)

    def busy(self, function: str) -> list[Doing]:
        """Every process of `turn`, `message` or `sweep` that is at work now."""
        return diary.busy(self.diary, function)

    def caught(self, process: Doing) -> bool:
        """Stops it. True if it is still at what it was seen at; else it goes on."""
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGSTOP)
            if diary.doing(self.diary, process.pid) == process:
                return True
            os.kill(process.pid, signal.SIGCONT)
        return False

    # what can be done to it

    async def kill_postgres(self) -> None:
        """The server and everything it forked, at once, as a power cut of its machine."""
        pid = self.postgres.pid
        assert pid is not None
        family = [pid, *descendants(pid)]
        for one in family:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        await asyncio.to_thread(until, lambda: not any(map(lives, family)))

    async def start_postgres(self) -> None:
        """After it was killed; recovered when this returns."""
        await asyncio.to_thread(self.postgres.stop)
        await asyncio.to_thread(self.postgres.start)
        self.to_postgres.target = self.postgres.port

    async def kill_valkey(self) -> None:
        """Everything in it is gone."""
        pid = self.valkey.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.redis_lost_at.append(time.monotonic())

    async def start_valkey(self) -> None:
        """Empty."""
        await asyncio.to_thread(self.valkey.stop)
        await asyncio.to_thread(self.valkey.start)
        self.to_redis.target = self.valkey.port

    async def flush_redis(self) -> None:
        """FLUSHALL."""
        async with Redis.from_url(self.valkey.url) as redis:
            await redis.flushall()
        self.redis_lost_at.append(time.monotonic())

    async def sweep(self) -> None:
        """Asks for the archiver, as its schedule does. It runs when it runs."""
        functions = self.running.state["functions"]
        assert isinstance(functions, dict)
        await asyncio.to_thread(self._invoke, functions[ARCHIVER])

    def _invoke(self, function: str) -> None:
        where: dict[str, Any] = {"endpoint_url": self.url, "region_name": "us-east-1"}
        where.update(self.running.credentials)
        aws = boto3.client("lambda", **where)
        aws.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
        aws.close()

    def complaints(self) -> list[str]:
        """What the functions logged as failures, for whoever looks for a cause."""
        lines = self.running.log.read_text(errors="replace").splitlines()
        return [line for line in lines if '"level":"ERROR"' in line]

    async def sql(self, statement: str, *args: object, superuser: bool = False) -> list[Any]:
        """Past the proxy: as the owner of the database, or as whoever owns the server."""
        superuser_url = self.postgres.superuser_url.rpartition("/")[0] + "/cj"
        url = superuser_url if superuser else self.postgres.owner_url
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(statement, *args))
        finally:
            await connection.close()


def rehearsing(copy: Path, notes: Path) -> Path:
    """The template with absolute folders, the rehearsed model, and a diary for each function."""
    copy.with_name("web").symlink_to(ROOT / "web")  # the page is served from beside the template
    text = (ROOT / "template.yaml").read_text()
    for part in ("functions", "layers"):
        text = text.replace(f"Uri: {part}/", f"Uri: {ROOT / part}/")
    text = _swapped(
        text, "\n        PUBLIC_URL:", f"\n        {diary.FOLDER}: {notes}\n        PUBLIC_URL:"
    )
    handler = "CodeUri: {}\n      Handler: {}\n"
    for name, ours in _HANDLERS.items():
        old = handler.format(ROOT / "functions" / name, f"functions.{name}.app.handler")
        new = handler.format(ROOT / "tests" / "chaos", f"tests.chaos.worker.{ours}")
        text = _swapped(text, old, new)
    copy.write_text(text)
    return copy


def _swapped(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"the template has changed: {old!r}"
    return text.replace(old, new)
