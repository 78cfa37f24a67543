"""The `cj` command: `cj run`, `cj reset`, `cj migrate`, `cj invoke`, `cj tokens`."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from local.data_folder import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 it could not be done, 2 it was not understood."""
    given = _parser().parse_args(argv)
    try:
        return int(import_module(f"local.commands.{given.command}").main(given))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if given.verbose:
            traceback.print_exc()
        sys.stderr.write(f"cj {given.command}: {_said(error)}\n")
        return 1


def _said(error: Exception) -> str:
    """Our own errors speak for themselves; any other is named."""
    own = type(error).__module__.partition(".")[0] in ("local", "cj")
    if own and str(error):
        return str(error)
    told = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return f"{told} (--verbose shows where)"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cj", description="CJ on one machine.")
    parser.add_argument("--version", action="version", version=f"cj {version('cj')}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data-dir",
        type=Path,
        default=ROOT / ".cj",
        metavar="FOLDER",
        help="where this machine's data is kept (default: .cj in the project's folder)",
    )
    common.add_argument("--verbose", action="store_true", help="say more; show every log line")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands, common)
    _add_reset(commands, common)
    _add_migrate(commands, common)
    _add_invoke(commands, common)
    _add_tokens(commands, common)
    return parser


def _add_run(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    said = "Start everything on one port: servers, migrations, APIs, functions, the page."
    run = commands.add_parser("run", parents=[common], help=said, description=said)
    run.add_argument("--port", type=_port, default=8000, help="0 takes a free one (default: 8000)")
    run.add_argument("--no-reload", action="store_true", help="go on with the code as it is now")
    run.add_argument(
        "--no-warm", action="store_true", help="start a function when it is first called"
    )
    run.add_argument(
        "--template",
        type=Path,
        default=ROOT / "template.yaml",
        metavar="FILE",
        help="the SAM template to serve (default: template.yaml in the project's folder)",
    )


def _add_reset(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    said = "Delete this machine's data: every conversation, every session."
    reset = commands.add_parser("reset", parents=[common], help=said, description=said)
    reset.add_argument("--yes", action="store_true", help="do not ask")


def _add_migrate(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    said = "Bring the database to the newest schema."
    where = (
        "The database is --database-url, else DATABASE_MIGRATION_URL, else that of the running CJ, "
        "else the one in the data folder."
    )
    migrate = commands.add_parser(
        "migrate", parents=[common], help=said, description=f"{said} {where}"
    )
    migrate.add_argument("--status", action="store_true", help="only say what is applied")
    migrate.add_argument("--database-url", metavar="URL", help="of the role that owns the schema")


def _add_invoke(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    said = "Invoke a function of the running CJ and print its answer."
    invoke = commands.add_parser("invoke", parents=[common], help=said, description=said)
    invoke.add_argument("name", help="the function's folder, such as archiver, or its name on AWS")
    invoke.add_argument("--payload", type=_json, default="{}", metavar="JSON", help="its event")


def _add_tokens(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    said = "Store, take over, and seal anew the stores' access tokens."
    where = (
        "The database is --database-url, else DATABASE_URL, else that of the running CJ, else the "
        "one in the data folder. TOKEN_KMS_KEY_ID or TOKEN_KEY_FILE name the key; the data folder "
        "has one of its own."
    )
    tokens = commands.add_parser("tokens", help=said, description=f"{said} {where}")
    database = argparse.ArgumentParser(add_help=False)
    database.add_argument("--database-url", metavar="URL", help="of the application's role")
    verbs = tokens.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, told in (
        ("store", "Store a token that came by hand."),
        ("import-redis", "Take over the tokens that another service kept in Redis."),
        ("rotate", "Seal every token with a new key."),
    ):
        made = verbs.add_parser(
            verb, parents=[common, database], help=told, description=f"{told} {where}"
        )
        if verb == "store":
            made.add_argument("shop", metavar="SHOP", help="name or name.myshopify.com")
            made.add_argument("token", metavar="TOKEN", help="-: read it from standard input")
            made.add_argument(
                "--scopes",
                default="read_customers,read_orders,read_products",
                help="what it may do (default: %(default)s)",
            )
        elif verb == "import-redis":
            made.add_argument("url", metavar="URL", help="of the Redis with the keys merchant:*")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 65_536:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to 65535")
    return port


def _json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    return text


if __name__ == "__main__":
    sys.exit(main())
