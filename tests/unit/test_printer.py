"""What a person sees while CJ runs, line by line."""

from __future__ import annotations

import io
import json

import pytest

from local.gateway.report import ChildStarted, Invoked, LogLine, Noticed, Report, Served
from local.printer import Printer


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(*reports: Report, verbose: bool = False, colour: bool = False) -> list[str]:
    """The lines, each without its time."""
    out = io.StringIO()
    printer = Printer(
        out, colour=colour, verbose=verbose, clock=lambda: "12:00:00", routed=frozenset({"cj-api"})
    )
    for report in reports:
        printer.report(report)
    return [line.removeprefix("12:00:00 ") for line in out.getvalue().splitlines()]


def test_a_request_is_one_line_with_what_it_asked_for_its_status_and_its_time() -> None:
    (line,) = printed(Served("HTTP", "GET /api/v1/session", 200, 12.4))
    assert line.split() == ["HTTP", "200", "12", "ms", "GET", "/api/v1/session"]


def test_a_socket_s_line_names_its_connection() -> None:
    (line,) = printed(Served("MESSAGE", "$default", 200, 3.0, "BFHPhfCWIAMCKlQ="))
    assert line.endswith("$default BFHPhfCWIAMCKlQ=")


@pytest.mark.parametrize("kind", ["PAGE", "@connections"])
def test_what_happens_often_is_a_line_only_when_it_fails_or_with_verbose(kind: str) -> None:
    assert printed(Served(kind, "POST", 200, 1.0)) == []
    assert len(printed(Served(kind, "POST", 410, 1.0))) == 1
    assert len(printed(Served(kind, "POST", 200, 1.0), verbose=True)) == 1


def test_an_invocation_that_a_route_led_to_is_on_the_route_s_line_already() -> None:
    assert printed(Invoked("cj-api", "id", 5.0)) == []
    (line,) = printed(Invoked("cj-turn-worker", "id", 40.0))
    assert line.split() == ["INVOKED", "ok", "40", "ms", "cj-turn-worker"]


def test_a_failed_invocation_is_always_a_line() -> None:
    (line,) = printed(Invoked("cj-api", "id", 5.0, "Unhandled"))
    assert line.split() == ["INVOKED", "Unhandled", "5", "ms", "cj-api"]


@pytest.mark.parametrize("level", ["WARNING", "ERROR", "CRITICAL"])
def test_a_function_s_warnings_and_errors_are_told_without_verbose(level: str) -> None:
    text = json.dumps({"level": level, "message": "no luck", "exception_name": "OSError"})
    (line,) = printed(LogLine("cj-api", "id", text))
    assert line.split() == ["LOG", "cj-api:", f"{level.lower()}:", "no", "luck", "(OSError)"]


def test_lambda_s_own_form_of_an_error_is_told_too() -> None:
    (line,) = printed(LogLine("cj-api", "id", "[ERROR] ValueError: no luck"))
    assert line.endswith("cj-api: error: ValueError: no luck")


@pytest.mark.parametrize(
    "text",
    [
        "[WARNING] x LAMBDA_WARNING: Unhandled exception. The most likely",
        '{"level": "INFO", "message": "all well"}',
        "a line",
        '{"_aws": {}}',
        "7",
        "[]",
    ],
)
def test_any_other_log_line_is_shown_whole_and_only_with_verbose(text: str) -> None:
    assert printed(LogLine("cj-api", "id", text)) == []
    (line,) = printed(LogLine("cj-api", "id", text), verbose=True)
    assert line.endswith(f"cj-api: {text}")


def test_the_start_of_a_process_is_told_with_verbose() -> None:
    started = ChildStarted("cj-api", 4711, 230.0)
    assert printed(started) == []
    (line,) = printed(started, verbose=True)
    assert "cj-api (process 4711)" in line


def test_a_notice_is_always_told() -> None:
    assert printed(Noticed("reloaded"), Noticed("cannot import", error=True)) == [
        f"{'CJ':<12} reloaded",
        f"{'ERROR':<12} cannot import",
    ]


@pytest.mark.parametrize(
    ("code", "failed"), [(1000, False), (1005, False), (1006, False), (1009, True)]
)
def test_a_close_code_that_means_trouble_is_red(code: int, *, failed: bool) -> None:
    (line,) = printed(Served("DISCONNECT", "/ws", code, 1.0), colour=True)
    assert ("\x1b[31m" in line) is failed


def test_control_characters_from_outside_never_reach_the_terminal() -> None:
    lines = printed(
        Served("HTTP", "GET /\x1b[2J\r\nfaked", 404, 1.0),
        LogLine("cj-api", None, "[ERROR] \x1b]0;title\x07"),
    )
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("out", "environ", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    out: io.StringIO, environ: dict[str, str], *, coloured: bool
) -> None:
    printer = Printer.for_terminal(out, environ, verbose=False)
    printer.say("text", "bold")
    assert ("\x1b" in out.getvalue()) is coloured
