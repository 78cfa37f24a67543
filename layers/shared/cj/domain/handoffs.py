"""From the installation to the first message: what is handed over, and where the merchant lands."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID, uuid5

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StrictBool

from cj.domain.shops import shop_domain
from cj.errors import CJError

POST_AUTH = "shopify_post_auth"
MAX_BYTES = 2_048
# No dots: a browser takes /chat/../x for /x, and %2e for a dot.
_PAGE = r"/(?:chat(?:/[\w-]{1,100})?)?"
_LOCAL = re.compile(rf"{_PAGE}(?:\?[\w/.~%=&+?:@!$'()*,;-]{{0,500}})?", re.ASCII)
_NAME = r"(?P<name>[\w+=,.@-]+)"
_ROLE = re.compile(rf"arn:[\w-]+:iam::(?P<account>\d{{12}}):role/(?:[\w+=,.@/-]*/)?{_NAME}")
_SESSION = re.compile(rf"arn:[\w-]+:sts::(?P<account>\d{{12}}):assumed-role/{_NAME}/[\w+=,.@-]+")


class HandoffRefused(CJError):
    """A hand-off that cannot be read. Nothing was done."""

    code = "bad_request"
    message = "This is no hand-off."

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class CallerRefused(CJError):
    """Signed by somebody who may not hand anything off, or by nobody."""

    code = "forbidden"
    message = "Forbidden"
    status = 403


def _shop(domain: str) -> str:
    if shop_domain(domain) != domain:
        raise ValueError("not the domain of a shop")
    return domain


def _canonical(value: object) -> object:
    """Only the 36-character form: UUID() also takes braces, urn: and bare hex."""
    if not isinstance(value, UUID) and (not isinstance(value, str) or len(value) != 36):
        raise ValueError("not a UUID")
    return value


class OAuthHandoffRequest(BaseModel):
    """A shop was connected; CJ greets in this conversation. Whose it is the stores know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    shop_domain: Annotated[str, AfterValidator(_shop)]
    is_new: StrictBool
    conversation_id: Annotated[UUID, BeforeValidator(_canonical)]


def read_handoff(body: bytes) -> OAuthHandoffRequest:
    """Raises HandoffRefused: 413 for more than any hand-off holds, else 400."""
    if len(body) > MAX_BYTES:
        raise HandoffRefused(413, "too large")
    try:
        raw = json.loads(body, object_pairs_hook=_unique)
        return OAuthHandoffRequest.model_validate(raw)
    except (ValueError, RecursionError) as error:
        raise HandoffRefused(400, type(error).__name__) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key twice")
    return members


def trigger_id(cid: UUID) -> UUID:
    """The client id of the input that makes CJ greet: the same for everybody who asks for it."""
    return uuid5(cid, POST_AUTH)


def is_session_of(user_arn: object, role_arn: str) -> bool:
    """Whether a signed call came from a function with this very role."""
    session, role = _SESSION.fullmatch(str(user_arn)), _ROLE.fullmatch(role_arn)
    return session is not None and role is not None and session.groups() == role.groups()


def local_path(text: str | None) -> str | None:
    """The address of a page of ours, safe to redirect to; None for anything else."""
    return text if text and _LOCAL.fullmatch(text) else None


def landing(return_to: str | None, cid: UUID, *, is_new: bool) -> str:
    """Where the browser goes with its new session. It names nobody; what it tells is ours."""
    path, _, query = (local_path(return_to) or "/chat").partition("?")
    told = {"oauth": "complete", "is_new": str(is_new).lower(), "conversation_id": str(cid)}
    kept = [(name, value) for name, value in parse_qsl(query, True) if name not in told]
    return f"{path}?{urlencode([*kept, *told.items()])}"
