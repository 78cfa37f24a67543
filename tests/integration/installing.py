"""A shop is connected, through the functions in their own process: the browser, and Shopify."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from cj.domain.signatures import sign_query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.integration.listening_aws import Functions

HERE = "http://127.0.0.1:8000"
KEY, SECRET, PREVIOUS = "app-key", "shpss_canary-secret", "shpss_canary-previous"
SCOPES = "read_customers,read_orders,read_products"
INSTALL, CALLBACK = "/api/v1/shopify/install", "/api/v1/shopify/callback"
INITIATE = "/internal/session/initiate"
ROLE = "arn:aws:iam::123456789012:role/cj-OauthCallbackFunctionRole-1ABC"
CALLER = "arn:aws:sts::123456789012:assumed-role/cj-OauthCallbackFunctionRole-1ABC/cj-callback"
CANARIES = ("shpat_canary", "shprt_canary")
GRANT: dict[str, Any] = {
    "access_token": CANARIES[0],
    "refresh_token": CANARIES[1],
    "expires_in": 3600,
    "refresh_token_expires_in": 7_776_000,
    "scope": SCOPES,
}


class Shopify:
    """The token endpoint, which counts who so much as connects. `answer` is what it does next."""

    def __init__(self) -> None:
        self.connections = 0
        self.exchanges: list[dict[str, Any]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = granted
        shopify = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def process_request(self, *given: Any) -> None:
                shopify.connections += 1
                super().process_request(*given)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                shopify.exchanges.append({"path": self.path, **json.loads(body)})
                shopify.answer(self)

            def log_message(self, *_: object) -> None: ...

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answering(
    body: bytes, status: int = 200, **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    """A whole answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


granted = answering(json.dumps(GRANT).encode())


def told(**changed: object) -> Callable[[BaseHTTPRequestHandler], None]:
    """A grant that is not quite the usual one."""
    return answering(json.dumps({**GRANT, **changed}).encode())


def settings(shopify_url: str, key_file: object) -> dict[str, str]:
    """The environment of somebody who may connect shops."""
    return {
        "PUBLIC_URL": HERE,
        "SHOPIFY_API_KEY": KEY,
        "SHOPIFY_API_SECRET": SECRET,
        "SHOPIFY_API_SECRET_PREVIOUS": PREVIOUS,
        "SHOPIFY_BASE_URL": shopify_url,
        "TOKEN_KEY_FILE": str(key_file),
        "INTERNAL_API_URL": "http://127.0.0.1:9",  # nobody is there
        "HANDOFF_CALLER_ROLE": ROLE,
        "LIMIT_INSTALLS_PER_MINUTE": "100000",
    }


def signed(secret: str = SECRET, **parameters: str) -> dict[str, str]:
    """As Shopify sends the browser back."""
    return {**parameters, "hmac": sign_query(parameters, secret)}


@dataclass
class Browser:
    """Somebody's browser, in front of the functions."""

    functions: Functions
    cookie: str = ""
    state: str = ""
    address: str = "192.0.2.1"
    replies: list[dict[str, Any]] = field(default_factory=list)

    def get(
        self, path: str, query: str, function: str = "oauth_callback", host: str = "127.0.0.1:8000"
    ) -> dict[str, Any]:
        event = http_event("GET", path, query, cookies=[self.cookie], address=self.address)
        event["headers"]["host"] = host
        reply = self.functions.invoke(function, event)
        for cookie in reply.get("cookies", []):
            self.cookie = cookie.partition(";")[0]
        self.replies.append(reply)
        return reply

    def begin(self, shop: str, **more: str) -> dict[str, Any]:
        """Goes as far as Shopify's page."""
        reply = self.get(INSTALL, urlencode({"shop": shop, **more}))
        assert reply["statusCode"] == 302, reply
        self.state = dict(parse_qsl(urlsplit(reply["headers"]["location"]).query))["state"]
        return reply

    def query(self, shop: str, **changed: str) -> dict[str, str]:
        """What Shopify sends along, once the merchant has agreed."""
        return {
            "code": "0123456789abcdef",
            "host": "YWRtaW4",
            "shop": shop,
            "state": self.state,
            "timestamp": str(int(time.time())),
            **changed,
        }

    def come_back(self, query: Mapping[str, str] | str) -> dict[str, Any]:
        text = query if isinstance(query, str) else urlencode(query)
        return self.get(CALLBACK, text)

    def connect(self, shop: str, **more: str) -> dict[str, str]:
        """From the form to the chat; gives what stands in the chat's address."""
        self.begin(shop, **more)
        reply = self.come_back(signed(**self.query(shop)))
        assert reply["statusCode"] == 302, reply
        return dict(parse_qsl(urlsplit(reply["headers"]["location"]).query))

    def session(self) -> dict[str, Any]:
        """Who CJ says this is."""
        found: dict[str, Any] = json.loads(self.get("/api/v1/session", "", "api")["body"])
        return found


def http_event(
    method: str,
    path: str,
    query: str = "",
    *,
    cookies: list[str] | None = None,
    address: str = "192.0.2.1",
    body: str | None = None,
    caller: str | None = None,
) -> dict[str, Any]:
    """As API Gateway hands it on; `caller` signed it."""
    http = {"method": method, "path": path, "sourceIp": address, "protocol": "HTTP/1.1"}
    context: dict[str, Any] = {
        "requestId": "install-1",
        "http": http,
        "timeEpoch": int(time.time() * 1000),
    }
    if caller is not None:
        context["authorizer"] = {"iam": {"userArn": caller}}
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "127.0.0.1:8000", "content-type": "application/json"},
        "cookies": [cookie for cookie in cookies or () if cookie],
        "requestContext": context,
        "isBase64Encoded": False,
        **({"body": body} if body is not None else {}),
    }


def is_safe_page(reply: dict[str, Any]) -> bool:
    """A page for a person, on which nothing runs and nothing is loaded."""
    policy = reply["headers"].get("content-security-policy", "")
    page = reply["body"]
    return (
        reply["headers"]["content-type"].startswith("text/html")
        and policy.startswith("default-src 'none'; style-src 'sha256-")
        and "unsafe" not in policy
        and "frame-ancestors 'none'" in policy
        and reply["headers"]["cache-control"] == "no-store"
        and not re.search(r"<(script|iframe|img|link|object)|\son\w+=|Traceback", page)
        and f'"{INSTALL}"' in page
    )
