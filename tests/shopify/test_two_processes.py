"""Two processes that need a refresh at the same moment make one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cj.domain.ids import new_id
from cj.domain.shops import shop_name
from cj.shopify.cipher import TokenCipher
from cj.shopify.keys import KeyFile
from cj.store.integrations import Integrations, SealedTokens

from tests.processes import until
from tests.shopify import refresher
from tests.shopify.side import CANDLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cj.store import Database


PATIENCE_S = 30
PAIR = {
    "access_token": "shpat_new",
    "scope": "read_orders",
    "expires_in": 3600,
    "refresh_token": "shprt_new",
    "refresh_token_expires_in": 7_776_000,
}


class TokenEndpoint:
    """Answers nobody before it may, so that a second request has all the time to come."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.may_answer = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                endpoint.asked.append(json.loads(self.rfile.read(length)))
                endpoint.may_answer.wait(PATIENCE_S)
                body = json.dumps(PAIR).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    made = TokenEndpoint()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.may_answer.set()
    made.server.shutdown()
    thread.join(PATIENCE_S)
    made.server.server_close()


async def store_expired(db: Database, key_file: Path) -> None:
    integrations, cipher = Integrations(db), TokenCipher(KeyFile(key_file))
    merchant = await integrations.put_merchant(new_id(), shop_name(CANDLES), CANDLES)
    expired = datetime.now(UTC) - timedelta(hours=1)
    await integrations.put(
        merchant,
        SealedTokens(
            await cipher.seal("shpat_old", merchant, "api_key"),
            await cipher.seal("shprt_old", merchant, "refresh_token"),
            *(expired, expired + timedelta(days=90), "read_orders"),
        ),
        {},
    )


class Process:
    """One refresher; what it says is heard as it says it."""

    def __init__(self, url: str, endpoint: TokenEndpoint, key_file: Path) -> None:
        self.heard: list[dict[str, Any]] = []
        self._inner = subprocess.Popen(
            [sys.executable, Path(refresher.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        told = {"database": url, "shopify": endpoint.url, "keys": str(key_file), "shop": CANDLES}
        assert self._inner.stdin
        self._inner.stdin.write(json.dumps({**told, "now": time.time()}) + "\n")
        self._inner.stdin.flush()
        self._ears = threading.Thread(target=self._listen)
        self._ears.start()

    def end(self) -> None:
        """At its own time; if that does not come, at ours."""
        try:
            assert self._inner.wait(PATIENCE_S) == 0
        finally:
            self._inner.kill()
            self._ears.join()
            with self._inner:
                pass

    def _listen(self) -> None:
        assert self._inner.stdout
        self.heard.extend(map(json.loads, self._inner.stdout))


async def test_two_processes_at_once_make_one_refresh(
    shopify_database: str, db: Database, key_file: Path, endpoint: TokenEndpoint
) -> None:
    await store_expired(db, key_file)
    both = [Process(shopify_database, endpoint, key_file) for _ in range(2)]
    until(lambda: endpoint.asked and any(process.heard for process in both))
    assert [line for process in both for line in process.heard if "token" in line] == []
    endpoint.may_answer.set()
    for process in both:
        process.end()
    assert [process.heard[-1] for process in both] == [{"token": "shpat_new"}] * 2
    assert [asked["refresh_token"] for asked in endpoint.asked] == ["shprt_old"]
