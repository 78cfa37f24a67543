"""Functions in a process of their own, and an AWS that only listens."""

from __future__ import annotations

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from tests.integration.lambda_nursery import born
from tests.processes import PATIENCE_S

ORIGIN = "https://cj.example.com"
COOKIE = "__Host-cj_session"


class Aws:
    """Takes what is posted to connections and what is invoked; answers what it is told to."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.gone: set[str] = set()
        self.closed: list[str] = []
        self.statuses: list[int] = []  # for the next posts, before they succeed
        aws = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, error = aws.take(self.path, body)
                self.send_response(status)
                if error:
                    self.send_header("x-amzn-ErrorType", error)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_DELETE(self) -> None:
                aws.closed.append(unquote(self.path.rsplit("/", 1)[1]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path: str, body: dict[str, Any]) -> tuple[int, str | None]:
        if path.endswith("/invocations"):
            self.events.append(body)
            return 202, None
        if path.rsplit("/", 1)[1] in self.gone:
            return 410, "GoneException"
        if self.statuses:
            return self.statuses.pop(0), "LimitExceededException"
        self.frames.append(body)
        return 200, None


class Functions:
    """One process for all handlers, and the visitor whose browser they serve."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._socket, its = socket.socketpair()
        self._log = TemporaryFile()  # noqa: SIM115 - closed with the process
        with its:
            born(environ, its.fileno(), its.fileno(), self._log.fileno())
        self._socket.settimeout(PATIENCE_S)
        self._lines = self._socket.makefile("rw")
        self.cookie = ""

    def invoke(
        self, function: str, event: dict[str, Any], time_left_ms: int = 60_000
    ) -> dict[str, Any]:
        asked = {"function": function, "event": event, "time_left_ms": time_left_ms}
        print(json.dumps(asked), file=self._lines, flush=True)
        answer: dict[str, Any] = json.loads(self._lines.readline())
        return answer

    def get(self, path: str, query: str = "") -> tuple[int, dict[str, Any]]:
        reply = self.http("GET", path, query)
        return reply["statusCode"], json.loads(reply["body"])

    def http(self, method: str, path: str, query: str = "", **headers: str) -> dict[str, Any]:
        request = {"method": method, "path": path, "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}
        event = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"host": "cj.example.com", **headers},
            "cookies": [self.cookie] if self.cookie else [],
            "requestContext": {"requestId": "http-1", "http": request},
            "isBase64Encoded": False,
        }
        reply = self.invoke("api", event)
        for cookie in reply.get("cookies", []):
            self.cookie = cookie.partition(";")[0]
        return reply

    def socket(
        self, function: str, connection: str = "c1=", address: str = "192.0.2.1", **event: Any
    ) -> int:
        identity = {"sourceIp": address}
        context = {"connectionId": connection, "requestId": "socket-1", "identity": identity}
        reply = self.invoke(function, {"requestContext": context, **event})
        status: int = reply["statusCode"]
        return status

    def connect(self, connection: str = "c1=", address: str = "192.0.2.1", **headers: str) -> int:
        given = {"Cookie": f"a=b; {self.cookie}", "Origin": ORIGIN, **headers}
        return self.socket("ws_connect", connection, address, headers=given)

    def say(self, kind: str, connection: str = "c1=", **members: Any) -> int:
        frame = {"v": 1, "id": str(uuid4()), "type": kind, **members}
        return self.socket("ws_message", connection, body=json.dumps(frame))

    def close(self) -> str:
        """Gives what was logged, once the process is gone."""
        if not self._log.closed:
            self._socket.shutdown(socket.SHUT_WR)
            assert self._lines.read() == ""
            self._socket.close()
            with self._log as log:
                log.seek(0)
                self._logged = log.read().decode()
        return self._logged
