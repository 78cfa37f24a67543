"""Shopify's search syntax: `created_at:>='2026-11-01' -status:cancelled (test:false OR candle)`.

A moment with a time is quoted, as Shopify asks for. Terms stand side by side (AND) or around OR;
`-` or NOT before a term turns it around; a group is in parentheses. A field that Shopify does not
know is ignored and named in a warning, as is a value it cannot read; a field that only this
simulation does not know raises SearchUnsupported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Found = Callable[[Any], bool]
# What a field of an item is: moments and numbers are compared, anything else is equal or not.
Fields = Mapping[str, Callable[[Any], object]]

_TOKEN = re.compile(
    r"""\s*(?P<minus>-)?(?:(?P<paren>[()])
    |(?:(?P<field>[A-Za-z_][\w.]*):(?P<op><=|>=|<|>)?\s?)?
     (?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s()"':]+))""",
    re.VERBOSE,
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "": lambda a, b: bool(a == b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


class SearchUnsupported(Exception):
    """Shopify can search for this; the simulation cannot."""


@dataclass(slots=True)
class Search:
    """`fields` are simulated (what ends in _at is a moment), `others` are Shopify's too.
    `text` is what a bare word looks into.
    """

    fields: Fields
    others: frozenset[str]
    text: Callable[[Any], str]
    now: datetime
    warnings: list[dict[str, str]] = field(default_factory=list)

    def finder(self, query: str | None) -> Found:
        """Which items a query is after."""
        tokens = _tokens(query or "")
        found = self._any_of(tokens)
        if tokens:
            raise SearchUnsupported(f"Search syntax near {tokens[0].group().strip()!r}")
        return found

    def _any_of(self, tokens: list[re.Match[str]]) -> Found:
        groups = [self._all_of(tokens)]
        while tokens and tokens[0]["value"] == "OR":
            tokens.pop(0)
            groups.append(self._all_of(tokens))
        return lambda item: any(found(item) for found in groups)

    def _all_of(self, tokens: list[re.Match[str]]) -> Found:
        terms: list[Found] = []
        while tokens and tokens[0]["value"] != "OR" and tokens[0]["paren"] != ")":
            if tokens[0]["value"] == "AND":
                tokens.pop(0)
                continue
            term = self._term(tokens)
            if term is not None:
                terms.append(term)
        return lambda item: all(found(item) for found in terms)

    def _term(self, tokens: list[re.Match[str]]) -> Found | None:
        token = tokens.pop(0)
        if token["value"] == "NOT" and tokens:
            return _turned(self._term(tokens))
        if token["paren"] == "(":
            found: Found | None = self._any_of(tokens)
            if not tokens or tokens.pop(0)["paren"] != ")":
                raise SearchUnsupported("Search syntax: a parenthesis is not closed")
        else:
            found = self._field(token)
        return _turned(found) if token["minus"] else found

    def _field(self, token: re.Match[str]) -> Found | None:
        name, value = token["field"], _unquoted(token["value"])
        if name is None:
            word = value.casefold()
            return lambda item: word in self.text(item).casefold()
        if name in self.fields:
            return self._comparison(name, token["op"] or "", value)
        if name in self.others or name.startswith("metafields."):
            raise SearchUnsupported(f"The simulated Shopify cannot search by {name}")
        self._warn(name, "Invalid search field for this query.", "invalid_field")
        return None

    def _comparison(self, name: str, op: str, value: str) -> Found | None:
        """By the kind of what the items have there."""
        read, compare = self.fields[name], _COMPARE[op]
        moment = _moment(value, self.now)
        number, text = _number(value), value.casefold()
        if name.endswith("_at") and moment is None:
            self._warn(name, f"Input `{value}` is not an accepted value.", "invalid_value")
            return None

        def found(item: Any) -> bool:
            match there := read(item):
                case None:
                    return False
                case bool():
                    return compare(there, text == "true")
                case frozenset():
                    return text in there
                case datetime():
                    return compare(there, moment)
                case str():
                    return compare(there.casefold(), text)
            return compare(there, number)

        return found

    def _warn(self, name: str, message: str, code: str) -> None:
        self.warnings.append({"field": name, "message": message, "code": code})


def _tokens(query: str) -> list[re.Match[str]]:
    tokens, at = [], 0
    text = query.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise SearchUnsupported(f"Search syntax near {text[at : at + 20]!r}")
        tokens.append(token)
        at = token.end()
    return tokens


def _turned(found: Found | None) -> Found | None:
    return None if found is None else lambda item: not found(item)


def _unquoted(value: str) -> str:
    quoted = value[:1] in ("'", '"')
    return re.sub(r"\\(.)", r"\1", value[1:-1] if quoted else value)


def _number(value: str) -> float:
    """Also of a whole gid://; NaN, which nothing equals, for what is none."""
    try:
        return float(value.rpartition("/")[2])
    except ValueError:
        return float("nan")


def _moment(value: str, now: datetime) -> datetime | None:
    """ISO 8601, a year or `now`; what names no zone is UTC."""
    if value == "now":
        return now
    if re.fullmatch(r"\d{4}", value):
        value = f"{value}-01-01"
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
