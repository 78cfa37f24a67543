"""One built function run as Lambda runs it: the runtime client in a bare Python 3.13.

On its path are the function's folder, the layer and what Lambda itself brings along, in Lambda's
order, and nothing else: no site-packages, no checkout.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RUNTIME = "/2018-06-01/runtime/"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:cj-built"

CLOSING = object()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the runtime client reported: `response`, or `error` with its type and message."""

    kind: str
    payload: Any


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.events: Queue[object] = Queue()
        self.outcomes: Queue[Outcome] = Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Call(BaseHTTPRequestHandler):
    """GET .../invocation/next waits for an event; every POST is an outcome."""

    server: _RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        event = self.server.events.get()
        if event is CLOSING:
            self.close_connection = True
            return
        self._answer(200, json.dumps(event).encode(), _invocation_headers(within_s=30))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.removeprefix(RUNTIME).rsplit("/", 1)[-1]
        self._answer(202, b"{}", {})
        self.server.outcomes.put(Outcome(kind, json.loads(body)))

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """The tests say what went wrong."""


def _invocation_headers(*, within_s: float) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": str(uuid4()),
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + within_s) * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": ARN,
        "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
    }


class LambdaHost:
    """A process of one function, started at `with`. One invocation at a time, as on Lambda."""

    def __init__(
        self,
        python: Path,
        handler: str,
        path: tuple[Path, ...],
        environment: Mapping[str, str],
    ) -> None:
        self._command = [str(python), "-S", "-B", "-m", "awslambdaric", handler]
        self._task_root = path[0]
        self._environment = _lambda_environment(handler, path) | dict(environment)

    def __enter__(self) -> Self:
        self._api = _RuntimeApi()
        host, port = self._api.server_address[:2]
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            cwd=self._task_root,
            env={**self._environment, "AWS_LAMBDA_RUNTIME_API": f"{host!s}:{port}"},
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()
        self._api.events.put(CLOSING)
        self._api.shutdown()
        self._api.server_close()

    def invoke(self, event: object, *, within_s: float = 30) -> Outcome:
        """What the function answered. A process that dies or stays silent fails with its output."""
        self._api.events.put(event)
        ends = time.monotonic() + within_s
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                return self._api.outcomes.get(timeout=0.1)
            except Empty:
                continue
        self._output.seek(0)
        raise AssertionError(f"no answer from {self._command}:\n{self._output.read().decode()}")


def _lambda_environment(handler: str, path: tuple[Path, ...]) -> dict[str, str]:
    return {
        "PYTHONPATH": ":".join(map(str, path)),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(path[0]),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_LAMBDA_FUNCTION_NAME": "cj-built",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/cj-built",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
    }
