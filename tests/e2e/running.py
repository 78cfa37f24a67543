"""The whole local runtime as its user starts it: `cj run`, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
# All tests come from one address and type faster than people. Those of the limits set their own.
ROOMY = {
    "LIMIT_MESSAGES_PER_MINUTE": "6000",
    "LIMIT_MESSAGES_BURST": "1000",
    "LIMIT_CONVERSATIONS_PER_HOUR": "1000",
    "LIMIT_SESSION_CONNECTS_PER_MINUTE": "1000",
    "LIMIT_ADDRESS_CONNECTS_PER_MINUTE": "6000",
    "LIMIT_INSTALLS_PER_MINUTE": "6000",
}


class Running:
    """`cj run` on a free port. Data outlives it: a second start on the same folder goes on."""

    def __init__(
        self,
        data_dir: Path,
        *,
        environ: Mapping[str, str] | None = None,
        template: Path = ROOT / "template.yaml",
        warm: bool = False,
    ) -> None:
        self.data_dir = data_dir
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self._environ = {**ROOMY, **(os.environ if environ is None else environ)}
        self._template = template
        self._options = [] if warm else ["--no-warm"]

    def start(self) -> None:
        """Returns when it answers."""
        command = [sys.executable, "-m", "local.cli", "run", "--port", "0", "--verbose"]
        command += ["--no-reload", *self._options, "--data-dir", str(self.data_dir)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--template", str(self._template)],
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not (state := self._state()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"cj run did not come up:\n{self.log.read_text()}")
            time.sleep(0.05)
        self.pid = self.process.pid
        self.state = state
        self.url = f"http://127.0.0.1:{state['port']}"

    def _state(self) -> dict[str, object] | None:
        """run.json of this very process, once it is there."""
        try:
            state: dict[str, object] = json.loads((self.data_dir / "run.json").read_text())
        except (OSError, ValueError):
            return None
        return state if state.get("pid") == self.process.pid else None

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE_S)

    @property
    def credentials(self) -> dict[str, str]:
        """The operator's, as boto3 takes them."""
        given = self.state["credentials"]
        assert isinstance(given, dict)
        return {
            "aws_access_key_id": given["access_key"],
            "aws_secret_access_key": given["secret_key"],
            "aws_session_token": given["session_token"],
        }

    async def row(self, statement: str, *args: object) -> asyncpg.Record | None:
        """A look into the database as its owner."""
        connection = await asyncpg.connect(str(self.state["migration_url"]))
        try:
            return await connection.fetchrow(statement, *args)
        finally:
            await connection.close()

    async def log_lines(self, services: int, **members: object) -> list[dict[str, object]]:
        """The functions' log lines with these members, once so many functions have written some."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                written = [line.partition("{") for line in self.log.read_text().splitlines()]
                lines = [json.loads("{" + rest) for _, brace, rest in written if brace]
                found = [line for line in lines if members.items() <= line.items()]
                if len({line["service"] for line in found}) >= services:
                    return found
                await asyncio.sleep(0.05)
