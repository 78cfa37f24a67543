"""What a built function calls on AWS, answered with success and remembered."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote


class RecordingAws(ThreadingHTTPServer):
    """@connections and Invoke on a port of loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.posts: list[tuple[str, dict[str, Any]]] = []  # connection id, frame
        self.invocations: list[tuple[str, dict[str, Any]]] = []  # function, event
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def frames(self, kind: str) -> list[dict[str, Any]]:
        """The frames of one type, in the order they were posted."""
        return [frame for _, frame in self.posts if frame["type"] == kind]


class _Call(BaseHTTPRequestHandler):
    server: RecordingAws
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        _, connection, posted = unquote(self.path).partition("/@connections/")
        if connection:
            self.server.posts.append((posted, body))
        else:
            self.server.invocations.append((self.path.split("/")[3], body))
        self.send_response(200 if connection else 202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """What was called is remembered, not printed."""
