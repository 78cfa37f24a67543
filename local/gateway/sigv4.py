"""Signature Version 4 as AWS checks it, for credentials this gateway issued itself."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=5)
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<key>[^/,\s]+)/(?P<date>\d{{8}})/(?P<region>[\w-]+)"
    r"/(?P<service>[\w-]+)/aws4_request, *SignedHeaders=(?P<headers>[\w;-]+)"
    r", *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a function's role is given: temporary, and known to this gateway alone."""

    access_key: str
    secret_key: str
    session_token: str
    principal_arn: str


class SignatureRefused(Exception):
    """The caller is not who the signature says; AWS's status, error type and message."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = 403
        self.error_type = error_type
        self.message = message


def _missing() -> SignatureRefused:
    return SignatureRefused("MissingAuthenticationTokenException", "Missing Authentication Token")


def _incomplete() -> SignatureRefused:
    return SignatureRefused(
        "IncompleteSignatureException", "Authorization header is not a complete signature."
    )


def _unknown() -> SignatureRefused:
    return SignatureRefused(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    )


def _mismatch(why: str) -> SignatureRefused:
    return SignatureRefused("InvalidSignatureException", why)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it came over the wire: nothing decoded, header names in lower case."""

    method: str
    raw_path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def received(cls, request: Request, body: bytes) -> SignedRequest:
        scope = request.scope
        return cls(
            method=scope["method"],
            raw_path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]),
            body=body,
        )

    def header(self, name: str) -> str | None:
        """The header's values, trimmed and joined as the canonical request wants them."""
        values = [" ".join(value.split()) for key, value in self.headers if key == name]
        return ",".join(values) if values else None


class Keyring:
    """Issues credentials and recognises who signed with them."""

    def __init__(self, token: Callable[[int], str] = secrets.token_hex) -> None:
        self._token = token
        self._issued: dict[str, Credentials] = {}

    def issue(self, role_arn: str, session_name: str) -> Credentials:
        """Credentials of a session of the role, as STS would name it."""
        account_id, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        credentials = Credentials(
            access_key="ASIA" + self._token(8).upper(),
            secret_key=self._token(20),
            session_token=self._token(32),
            principal_arn=f"arn:aws:sts::{account_id}:assumed-role/{role}/{session_name}",
        )
        self._issued[credentials.access_key] = credentials
        return credentials

    def find(self, access_key: str) -> Credentials | None:
        """The credentials with this access key, if this keyring issued them."""
        return self._issued.get(access_key)

    async def authenticate(self, request: Request, body: bytes, service: str) -> Credentials:
        """Who signed this request for this service; SignatureRefused if nobody did."""
        return self.verify(SignedRequest.received(request, body), service, datetime.now(UTC))

    def verify(self, request: SignedRequest, service: str, now: datetime) -> Credentials:
        """The whole check, with the time as an argument."""
        header = request.header("authorization")
        if header is None:
            raise _missing()
        claim = _AUTHORIZATION.fullmatch(header)
        if claim is None:
            raise _incomplete()
        signed_at = request.header("x-amz-date") or ""
        _check_time(signed_at, claim["date"], now)
        credentials = self.find(claim["key"])
        if credentials is None or not _has_token(request, credentials):
            raise _unknown()
        if claim["service"] != service:
            raise _mismatch(f"Credential should be scoped to correct service: '{service}'.")
        names = claim["headers"].split(";")
        _check_signed_headers(request, names)
        _check_body(request)
        expected = signature(request, names, signed_at, claim["region"], service, credentials)
        if not hmac.compare_digest(expected, claim["signature"]):
            raise _mismatch(
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method."
            )
        return credentials


def signature(
    request: SignedRequest,
    signed_headers: list[str],
    signed_at: str,
    region: str,
    service: str,
    credentials: Credentials,
) -> str:
    """The signature these credentials give the request, in hexadecimal digits."""
    scope = f"{signed_at[:8]}/{region}/{service}/aws4_request"
    canonical = hashlib.sha256(canonical_request(request, signed_headers).encode()).hexdigest()
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    to_sign = "\n".join((ALGORITHM, signed_at, scope, canonical))
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def canonical_request(request: SignedRequest, signed_headers: list[str]) -> str:
    """The text both sides hash, byte for byte as botocore writes it."""
    names = sorted(signed_headers)
    return "\n".join(
        (
            request.method.upper(),
            _canonical_path(request.raw_path),
            _canonical_query(request.query),
            *(f"{name}:{request.header(name) or ''}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _canonical_path(raw_path: str) -> str:
    """Dot segments resolved, then encoded once more: a %3D on the wire is signed as %253D."""
    kept: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    trailing = "/" if kept and raw_path.endswith("/") else ""
    return quote("/" + "/".join(kept) + trailing, safe="/~")


def _canonical_query(query: str) -> str:
    """Sorted by name, then by value; the wire's own encoding is what was signed."""
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if query)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _check_time(signed_at: str, scope_date: str, now: datetime) -> None:
    try:
        moment = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _incomplete() from None
    if abs(now - moment) > SKEW:
        raise _mismatch(f"Signature expired or not yet current: {signed_at}")
    if not signed_at.startswith(scope_date):
        raise _mismatch("Date in Credential scope does not match x-amz-date.")


def _has_token(request: SignedRequest, credentials: Credentials) -> bool:
    token = request.header("x-amz-security-token") or ""
    return hmac.compare_digest(token.encode(), credentials.session_token.encode())


def _check_signed_headers(request: SignedRequest, names: list[str]) -> None:
    """The host and everything addressed to AWS must be under the signature."""
    must = {"host"} | {name for name, _ in request.headers if name.startswith("x-amz-")}
    if not must <= set(names):
        raise _mismatch("'Host' and every 'x-amz-' header must be signed.")


def _check_body(request: SignedRequest) -> None:
    """A stated hash must be the body's own: UNSIGNED-PAYLOAD is refused, as over plain HTTP."""
    stated = request.header("x-amz-content-sha256")
    if stated is not None and stated != hashlib.sha256(request.body).hexdigest():
        raise _mismatch("The x-amz-content-sha256 header does not match the body.")
