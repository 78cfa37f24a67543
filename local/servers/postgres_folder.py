"""The folder of an embedded PostgreSQL: its data, made once, and the passwords of its roles."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from local.servers.account import handle, own
from local.servers.process import Process, ServerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.servers.account import Account, Handle
    from local.servers.found import Found

SUPERUSER = "postgres"  # makes the roles and the database, and is not used again
OWNER = "cj_owner"  # owns the database and, through the migrations, everything in it
APP = "cj_app"  # owns nothing: what the functions connect as
DATABASE = "cj"

_INITDB_S = 120.0
_ACCESS = """\
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


def data_in(home: Path) -> Path:
    """PostgreSQL's own data directory."""
    return home / "data"


def prepare(
    home: Path, found: Found, program: Path, account: Account | None, *, sync: bool
) -> Mapping[str, str]:
    """The passwords by role. The data is there when this returns, whole; `home` must be locked."""
    data, kept = data_in(home), home / "passwords.json"
    if not data.exists():
        passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER, APP)}
        _write_private(kept, json.dumps(passwords))
        _make(data, found, program, account, _roles(passwords), sync=sync)
        return passwords
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != str(found.version[0]):
        raise ServerError(
            f"{data} was made by PostgreSQL {made_by}, and this is {found.version[0]}. "
            "Start with another --data-dir, or delete this one with `cj reset`."
        )
    end_orphan(data)
    return _kept(kept)


def _make(
    data: Path,
    found: Found,
    program: Path,
    account: Account | None,
    roles: str,
    *,
    sync: bool,
) -> None:
    """Beside its place, and moved there when all of it is done."""
    new, log = data.with_name("data.new"), data.with_name("initdb.log")
    shutil.rmtree(new, ignore_errors=True)
    own(new, account)
    initdb: list[str | Path] = [
        program.with_name("initdb"),
        "-U",
        SUPERUSER,
        "--auth=reject",
        "--encoding=UTF8",
    ]
    initdb += [*_locale(found.version[0]), *([] if sync else ["--no-sync"])]
    single: list[str | Path] = [program, "--single", "-c", "exit_on_error=on"]
    with handle(new, account) as folder:
        if account and not account.can("-w", folder.name, folder.descriptors):
            raise _out_of_reach(new, account)
        _run([*initdb, "-D", folder.name], folder, account, log, b"")
        (new / "pg_hba.conf").write_text(_ACCESS)
        _run([*single, "-D", folder.name, SUPERUSER], folder, account, log, roles.encode())
    new.rename(data)
    log.unlink()


def _out_of_reach(folder: Path, account: Account) -> ServerError:
    return ServerError(
        f"{account.name}, as whom PostgreSQL has to run, cannot write to {folder}. "
        "Choose a folder it can reach with --data-dir, or start CJ as another user than root."
    )


def _locale(major: int) -> list[str]:
    """The same order and the same lower-casing everywhere, from the server itself if it can."""
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _roles(passwords: Mapping[str, str]) -> str:
    """One statement a line, as the single-user server wants them."""
    return f"""\
ALTER ROLE {SUPERUSER} PASSWORD '{passwords[SUPERUSER]}'
CREATE ROLE {OWNER} LOGIN PASSWORD '{passwords[OWNER]}'
CREATE ROLE {APP} LOGIN PASSWORD '{passwords[APP]}'
CREATE DATABASE {DATABASE} OWNER {OWNER}
"""


def _run(
    command: list[str | Path], folder: Handle, account: Account | None, log: Path, given: bytes
) -> None:
    process = Process(
        command, account=account, log=log, descriptors=folder.descriptors, given=given
    )
    if process.wait(within_s=_INITDB_S) != 0:
        raise ServerError(f"{command[0]} failed:\n{process.last_words()}")


def _kept(path: Path) -> Mapping[str, str]:
    try:
        return dict(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        raise ServerError(
            f"{path} is gone, and without it the data beside it is locked. "
            "Put it back, or delete the data with `cj reset`."
        ) from None


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def end_orphan(data: Path, *, within_s: float = 20.0) -> None:
    """Ends a server that outlived a killed parent, and forgets one that is not running.

    PostgreSQL would refuse to start when the pid it left behind belongs to anything by now.
    """
    left = data / "postmaster.pid"
    proc = Path("/proc")
    if not left.exists() or not proc.joinpath("self/cwd").exists():
        return
    pid = left.read_text().partition("\n")[0]
    deadline = time.monotonic() + within_s
    while _serves(pid, data):
        number = signal.SIGINT if time.monotonic() < deadline else signal.SIGKILL
        with suppress(ProcessLookupError):
            os.kill(int(pid), number)
        time.sleep(0.05)
    left.unlink(missing_ok=True)


def _serves(pid: str, data: Path) -> bool:
    try:
        return pid.isdecimal() and Path(f"/proc/{pid}/cwd").samefile(data)
    except OSError:
        return False
