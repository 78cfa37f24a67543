"""What goes wrong on purpose: switched on by a person on the page or by a test."""

from __future__ import annotations

from dataclasses import dataclass, field

TOKEN, GRAPHQL = "token", "graphql"
# Each kind, where it can happen, and what it does.
KINDS = {
    "rate_limited": ((TOKEN, GRAPHQL), "429 with Retry-After: 2.0"),
    "server_error": ((TOKEN, GRAPHQL), "an error page with a 5xx status"),
    "slow": ((TOKEN, GRAPHQL), "the right answer, late"),
    "hang": ((TOKEN, GRAPHQL), "no answer at all"),
    "dropped": ((TOKEN, GRAPHQL), "done, but the connection breaks before the answer"),
    "html": ((TOKEN, GRAPHQL), "200 with a page instead of JSON"),
    "huge": ((TOKEN,), "10 MB of JSON"),
    "redirect": ((TOKEN,), "302 to somewhere else"),
    "fewer_scopes": ((TOKEN,), "a token that lacks the last scope asked for"),
    "throttled": ((GRAPHQL,), "THROTTLED with an empty bucket"),
    "unauthorized": ((GRAPHQL,), "401 although the token is good"),
    "forbidden": ((GRAPHQL,), "403"),
    "deprecated": ((GRAPHQL,), "the right answer with X-Shopify-API-Deprecated-Reason"),
}


@dataclass(slots=True)
class Fault:
    """`times` counts down; None lasts until it is cleared."""

    kind: str
    on: str
    times: int | None = 1
    shop: str | None = None  # None: every shop
    status: int = 503
    seconds: float = 2.0


@dataclass(slots=True)
class Faults:
    """Forgotten at a restart."""

    switched_on: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """ValueError for what cannot go wrong there."""
        where = KINDS.get(fault.kind, ((), ""))[0]
        if fault.on not in where:
            raise ValueError(f"there is no fault {fault.kind} on {fault.on}")
        if not 500 <= fault.status <= 599 or (fault.times is not None and fault.times < 1):
            raise ValueError("status is 500 to 599 and times 1 or more")
        if not 0 <= fault.seconds <= 60:
            raise ValueError("seconds are 0 to 60")
        self.switched_on.append(fault)

    def take(self, on: str, shop: str) -> Fault | None:
        """The one that is due for this request, once less from now on."""
        for fault in self.switched_on:
            if fault.on == on and fault.shop in (None, shop):
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self.switched_on.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self.switched_on.clear()
