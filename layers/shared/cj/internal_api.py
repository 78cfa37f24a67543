"""Calls from one function to another's internal route, signed with the caller's own role."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

SERVICE = "execute-api"
LONGEST_S = 29  # no gateway waits longer
_SIGNED = ("host", "content-type")


class InternalCallFailed(Exception):
    """The other function did not do it; the text is what it answered."""


def make_http(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client whose callers say themselves how long they wait. No redirect, no proxy."""
    return httpx.AsyncClient(
        transport=transport, follow_redirects=False, trust_env=False, timeout=LONGEST_S
    )


def own_session() -> Any:
    """This process's credentials and region, as boto3 finds them."""
    import boto3

    return boto3.Session()


@dataclass(frozen=True, slots=True)
class SigV4(httpx.Auth):
    """Signs a request as AWS wants it, its body too."""

    session: Callable[[], Any] = field(default_factory=lambda: own_session)

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the signature's headers."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        session = self.session()
        headers = {name: request.headers[name] for name in _SIGNED if name in request.headers}
        signed = AWSRequest(request.method, str(request.url), headers, request.content)
        credentials = session.get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, SERVICE, session.region_name).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request


@dataclass(frozen=True, slots=True)
class InternalApi:
    """The routes below `url` that only our own functions may call."""

    http: httpx.AsyncClient
    url: str
    auth: httpx.Auth

    async def post(self, path: str, body: bytes, correlation_id: str) -> None:
        """Returns when it is done; the caller keeps the time.

        Raises InternalCallFailed and whatever kept it from leaving.
        """
        headers = {"content-type": "application/json", "x-correlation-id": correlation_id}
        answer = await self.http.post(
            f"{self.url}{path}", content=body, headers=headers, auth=self.auth
        )
        if answer.status_code != httpx.codes.OK:
            raise InternalCallFailed(f"HTTP {answer.status_code}")
