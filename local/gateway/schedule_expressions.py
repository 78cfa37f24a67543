"""rate(...) and cron(...), as AWS writes them: when they are due, in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from croniter import CroniterError, croniter

_RATE = re.compile(r"rate\((?P<count>[1-9]\d*) (?P<unit>minute|hour|day)(?P<many>s?)\)")
_CRON = re.compile(r"cron\((?P<fields>[^()]+)\)")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAY = re.compile(r"(?P<name>[A-Z]{3})|(?P<number>\d+)")

Due = Callable[[datetime], datetime | None]


class UnknownExpression(Exception):
    """Not an expression that can be served; the text says what it should be."""


def parse(expression: str) -> Due:
    """A function from a time to the next one after it, or None if there is none."""
    if match := _RATE.fullmatch(expression):
        return _rate(int(match["count"]), match["unit"], many=bool(match["many"]))
    if match := _CRON.fullmatch(expression):
        return _cron(match["fields"].split())
    raise UnknownExpression("it should be rate(5 minutes) or cron(0 12 * * ? *)")


def _rate(count: int, unit: str, *, many: bool) -> Due:
    if many != (count > 1):
        raise UnknownExpression(f"it should be rate({count} {unit}{'s' if count > 1 else ''})")
    step = timedelta(**{f"{unit}s": count})
    return lambda after: after + step


def _cron(fields: list[str]) -> Due:
    if len(fields) != 6:
        raise UnknownExpression("cron should have six fields: minute hour day month weekday year")
    minute, hour, day, month, weekday, year = (field.upper() for field in fields)
    if (day == "?") == (weekday == "?"):
        raise UnknownExpression("either the day or the weekday should be `?`, and only one")
    six = " ".join(
        ("0", minute, hour, _any(day), month, _any(_weekday(weekday)), year)  # croniter's order
    )
    try:
        croniter(six, datetime(1999, 12, 31, tzinfo=UTC), second_at_beginning=True)
    except (CroniterError, ValueError, KeyError) as error:
        raise UnknownExpression("cron has a field that cannot be served") from error
    return lambda after: _next(six, after)


def _next(expression: str, after: datetime) -> datetime | None:
    try:
        found = croniter(expression, after, second_at_beginning=True).get_next(datetime)
    except CroniterError:  # no such day any more
        return None
    return found if isinstance(found, datetime) else None


def _any(field: str) -> str:
    return "*" if field == "?" else field


def _weekday(field: str) -> str:
    """AWS counts from 1 (Sunday) to 7, croniter from 0; the last Friday is 6L there, L5 here."""
    if field in ("?", "*"):
        return field
    if field == "L":
        return "6"
    return ",".join(_weekday_part(part) for part in field.split(","))


def _weekday_part(part: str) -> str:
    days, mark, rest = part, "", ""
    for sign in ("#", "/"):
        if sign in part:
            days, mark, rest = part.partition(sign)
    if days.endswith("L") and not mark:
        return "L" + _DAY.sub(_day_number, days[:-1])
    return _DAY.sub(_day_number, days) + mark + rest


def _day_number(match: re.Match[str]) -> str:
    if match["name"]:
        if match["name"] not in _DAYS:
            raise UnknownExpression(f"{match['name']} is no weekday")
        return str(_DAYS.index(match["name"]))
    number = int(match["number"])
    if not 1 <= number <= 7:
        raise UnknownExpression("weekdays should be 1 (Sunday) to 7")
    return str(number - 1)
