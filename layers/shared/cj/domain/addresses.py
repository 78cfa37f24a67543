"""The address that a limit counts: whose browser asks, as far as anybody can vouch for it.

Behind CloudFront, API Gateway sees CloudFront's own server. Which browser that serves, CloudFront
says in a header, and so could anybody who found the way to API Gateway: it is believed only beside
a secret that CloudFront alone adds.
"""

from __future__ import annotations

import hmac
import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VIEWER, SECRET = "cloudfront-viewer-address", "x-origin-secret"
_HOST = r"[0-9A-Fa-f:.]+"
# The port is always there, also behind an IPv6 address without brackets.
_VIEWER = re.compile(rf"(?:\[(?P<bracketed>{_HOST})\]|(?P<bare>{_HOST})):[0-9]{{1,5}}")
_OF_ONE_CUSTOMER = 64  # bits of an IPv6 address; the rest may be another one for every request


def counted_address(source_ip: str, headers: Mapping[str, str], secrets: Sequence[str]) -> str:
    """`source_ip` is API Gateway's, `headers` are in lower case, `secrets` what CloudFront may
    send: none where nothing stands in front. IPv6 counts by its /64. Never raises.
    """
    viewer = _viewer(headers.get(VIEWER, "")) if _vouched_for(headers, secrets) else None
    return viewer or _counted(source_ip) or source_ip


def _vouched_for(headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Takes as long for the first secret as for the last."""
    given = headers.get(SECRET, "").encode(errors="surrogatepass")
    return any([hmac.compare_digest(given, secret.encode()) for secret in secrets])


def _viewer(header: str) -> str | None:
    found = _VIEWER.fullmatch(header)
    return _counted(found["bracketed"] or found["bare"]) if found else None


def _counted(text: str) -> str | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # All of IPv4 has one /64 in IPv6.
        if address.ipv4_mapped is None:
            return str(IPv6Network((int(address), _OF_ONE_CUSTOMER), strict=False))
        address = address.ipv4_mapped
    return str(address)
