"""python -m local.gateway TEMPLATE: serves a template until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from local.gateway.app import Gateway, Options
from local.gateway.model import GatewayError
from local.gateway.report import ChildStarted, Invoked, LogLine, Noticed, Report, Served


def line_for(report: Report) -> str:
    """One line for whoever is watching."""
    match report:
        case Served(kind, target, status, duration_ms):
            return f"{kind:<12} {status} {duration_ms:8.1f} ms  {target}"
        case Invoked(function, request_id, duration_ms, error):
            return f"{'invoked':<12} {error or 'ok'} {duration_ms:.1f} ms  {function} {request_id}"
        case LogLine(function, _, text):
            return f"{function}: {text}"
        case ChildStarted(function, pid, duration_ms):
            return f"{'started':<12} {function} (process {pid}, {duration_ms:.0f} ms)"
        case Noticed(text):
            return text


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m local.gateway", description=__doc__)
    parser.add_argument("template", type=Path)
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--static", type=Path, help="a folder with index.html, served at /")
    parser.add_argument("--reload", action="store_true", help="serve changed code at once")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(arguments)
    return Options(
        template=given.template,
        port=given.port,
        static=given.static,
        reload=given.reload,
        parameters=dict(pair.partition("=")[::2] for pair in given.parameter),
        report=lambda report: print(line_for(report), flush=True),  # noqa: T201
    )


async def _serve(options: Options) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Gateway(options) as gateway:
        print(f"{options.template} at {gateway.url}", flush=True)  # noqa: T201
        await stopped.wait()


def main(arguments: list[str] | None = None) -> None:
    """Serves until a signal; a GatewayError is one line, not a traceback."""
    try:
        asyncio.run(_serve(_options(arguments)))
    except GatewayError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
