"""The embedded PostgreSQL: made once, there again, gone when it should be."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from local.servers.account import server_account
from local.servers.found import Found
from local.servers.postgres import Postgres
from local.servers.process import ServerError
from tests.processes import ROOT, end_at_once, folder_outside_tests, listening, lives, until

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLD = """
import sys, time
from pathlib import Path
from local.servers.found import postgres_in
from local.servers.postgres import Postgres

found = postgres_in(Path(sys.argv[2]))
server = Postgres(Path(sys.argv[1]), found=found, fsync=False)
server.start()
print(server.pid, server.owner_url, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def made(postgres_found: Found) -> Iterator[Path]:
    """A folder that a server made and left."""
    with folder_outside_tests() as folder:
        with server_on(folder / "postgres", postgres_found):
            pass
        yield folder / "postgres"


@pytest.fixture
def new_home() -> Iterator[Path]:
    """Where no server was yet."""
    with folder_outside_tests() as folder:
        yield folder / "postgres"


@pytest.fixture
def home(new_home: Path, made: Path) -> Path:
    """Where a server was before."""
    subprocess.run(["cp", "-a", made, new_home], check=True)
    return new_home


@contextmanager
def holding(
    home: Path,
    binaries: Path,
    python: Path = Path(sys.executable),
    code: Path = ROOT,
    user: int | None = None,
) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """A process of its own that runs a server until it is ended, the server's pid and its URL."""
    holder = subprocess.Popen(
        [python, "-c", HOLD, str(home), str(binaries)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=code,
        user=user,
        extra_groups=None if user is None else [],
    )
    with holder:
        assert holder.stdout
        pid, url = holder.stdout.readline().split()
        yield holder, int(pid), url
        assert holder.stdin
        holder.stdin.close()


def server_on(home: Path, found: Found) -> Postgres:
    return Postgres(home, found=found, fsync=False)


async def asked(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


class TestRoles:
    async def test_the_application_role_owns_nothing_and_is_no_superuser(
        self, postgres: Postgres
    ) -> None:
        question = """
            SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls
                OR EXISTS (SELECT FROM pg_database WHERE datdba = pg_roles.oid)
            FROM pg_roles WHERE rolname = current_user
        """
        assert await asked(postgres.app_url, "SELECT current_user") == "cj_app"
        assert await asked(postgres.app_url, question) is False

    async def test_the_owner_role_owns_the_database_and_is_no_superuser(
        self, postgres: Postgres
    ) -> None:
        question = """
            SELECT rolname FROM pg_roles JOIN pg_database ON datdba = pg_roles.oid
            WHERE datname = 'cj' AND NOT rolsuper AND NOT rolcreaterole
        """
        assert await asked(postgres.owner_url, question) == "cj_owner"

    async def test_a_wrong_password_is_refused(self, postgres: Postgres) -> None:
        wrong = postgres.app_url.replace(":", ":x", 2).replace("x//", "//", 1)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asked(wrong, "SELECT 1")

    async def test_lower_casing_knows_more_than_ascii(self, postgres: Postgres) -> None:
        assert await asked(postgres.app_url, "SELECT lower('ÄÖÉ')") == "äöé"


class TestFiles:
    def test_the_passwords_are_for_their_owner_alone(
        self, home: Path, postgres_found: Found
    ) -> None:
        with server_on(home, postgres_found):
            assert stat.S_IMODE((home / "passwords.json").stat().st_mode) == 0o600
            assert stat.S_IMODE(home.stat().st_mode) == 0o700

    def test_no_password_stands_in_a_command_line_or_a_log(
        self, home: Path, postgres_found: Found
    ) -> None:
        with server_on(home, postgres_found) as server:
            secrets = json.loads((home / "passwords.json").read_text()).values()
            written = server.log.read_text() + Path(f"/proc/{server.pid}/cmdline").read_text()
            assert not [secret for secret in secrets if secret in written]

    def test_it_listens_on_loopback_only(self, postgres: Postgres) -> None:
        assert listening(postgres.port) == {"127.0.0.1"}

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
    def test_it_does_not_run_as_root(self, postgres: Postgres) -> None:
        assert Path(f"/proc/{postgres.pid}").stat().st_uid != 0

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
    def test_a_data_folder_that_its_user_cannot_walk_to_is_no_obstacle(
        self, new_home: Path, postgres_found: Found
    ) -> None:
        new_home.parent.chmod(0o700)
        with server_on(new_home, postgres_found) as server:
            assert server.alive()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
    async def test_a_wheel_that_its_user_cannot_read_is_copied(
        self, home: Path, postgres_found: Found
    ) -> None:
        if not postgres_found.parts:
            pytest.skip("this PostgreSQL is no wheel's")
        base = home.parent / "site-packages"
        for part in postgres_found.parts:
            shutil.copytree(postgres_found.base / part, base / part)
        base.chmod(0o700)
        program = base / postgres_found.program.relative_to(postgres_found.base)
        hidden = Found(program, "hidden", postgres_found.version, base, postgres_found.parts)
        with server_on(home, hidden) as server:
            copy = Path(os.readlink(f"/proc/{server.pid}/exe"))
            assert await asked(server.app_url, "SELECT 1") == 1
        with server_on(home, hidden) as again:
            assert Path(os.readlink(f"/proc/{again.pid}/exe")) == copy
        shutil.rmtree(copy.parents[len(program.relative_to(base).parts) - 1])


class TestData:
    async def test_it_is_there_again_after_a_restart(
        self, home: Path, postgres_found: Found
    ) -> None:
        with server_on(home, postgres_found) as server:
            await asked(server.owner_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        with server_on(home, postgres_found) as server:
            assert await asked(server.owner_url, "SELECT answer FROM kept") == 42

    def test_one_server_at_a_time_uses_a_folder(self, home: Path, postgres_found: Found) -> None:
        with (
            server_on(home, postgres_found),
            pytest.raises(ServerError, match="in use by another process"),
        ):
            server_on(home, postgres_found).start()

    def test_data_of_another_major_version_is_left_alone_with_a_clear_message(
        self, home: Path, postgres_found: Found
    ) -> None:
        with server_on(home, postgres_found):
            pass
        (home / "data" / "PG_VERSION").write_text("9.6\n")
        with pytest.raises(ServerError, match=r"made by PostgreSQL 9\.6.*--data-dir"):
            server_on(home, postgres_found).start()

    def test_data_without_its_passwords_is_left_alone_with_a_clear_message(
        self, home: Path, postgres_found: Found
    ) -> None:
        (home / "passwords.json").unlink()
        with pytest.raises(ServerError, match=r"passwords\.json is gone"):
            server_on(home, postgres_found).start()

    def test_making_it_again_after_it_was_interrupted_starts_from_nothing(
        self, new_home: Path, postgres_found: Found
    ) -> None:
        (new_home / "data.new").mkdir(parents=True)
        (new_home / "data.new" / "half").write_text("")
        with server_on(new_home, postgres_found) as server:
            assert server.alive()


class TestEnds:
    def test_a_clean_stop_leaves_no_process_and_no_pid_file(
        self, home: Path, postgres_found: Found
    ) -> None:
        server = server_on(home, postgres_found)
        server.start()
        pid = server.pid
        assert pid
        server.stop()
        assert not lives(pid)
        assert not (home / "data" / "postmaster.pid").exists()

    async def test_a_killed_parent_leaves_no_orphan_and_the_data_is_whole(
        self, home: Path, postgres_found: Found
    ) -> None:
        with holding(home, postgres_found.program.parent) as (parent, pid, url):
            await asked(url, "CREATE TABLE kept AS SELECT 42 AS answer")
            end_at_once(parent)
            until(lambda: not lives(pid))
        with server_on(home, postgres_found) as server:
            assert await asked(server.owner_url, "SELECT answer FROM kept") == 42

    def test_a_new_start_waits_for_what_a_killed_parent_leaves_behind(
        self, home: Path, postgres_found: Found
    ) -> None:
        with holding(home, postgres_found.program.parent) as (parent, pid, _):
            end_at_once(parent)
            with server_on(home, postgres_found) as server:
                assert not lives(pid)
                assert server.alive()

    def test_a_stale_pid_file_that_names_a_stranger_does_not_hinder(
        self, home: Path, postgres_found: Found
    ) -> None:
        with server_on(home, postgres_found):
            pass
        owner = (home / "data").stat()
        stranger = subprocess.Popen(
            ["/bin/sleep", "600"], user=owner.st_uid if os.geteuid() == 0 else None
        )
        try:
            left = home / "data" / "postmaster.pid"
            lines = [stranger.pid, home / "data", 1, 5432, "", "127.0.0.1", "0 0", "ready   "]
            left.write_text("".join(f"{line}\n" for line in lines))
            os.chown(left, owner.st_uid, owner.st_gid)
            with server_on(home, postgres_found) as server:
                assert server.alive()
            assert stranger.poll() is None
        finally:
            end_at_once(stranger)

    def test_an_empty_pid_file_does_not_hinder(self, home: Path, postgres_found: Found) -> None:
        (home / "data" / "postmaster.pid").touch()
        with server_on(home, postgres_found) as server:
            assert server.alive()

    def test_the_shell_s_secrets_do_not_reach_it(self, postgres: Postgres) -> None:
        names = {
            entry.partition("=")[0]
            for entry in Path(f"/proc/{postgres.pid}/environ").read_text().split("\0")
        }
        assert "LC_ALL" in names
        assert "HOME" in os.environ
        assert "HOME" not in names

    def test_a_server_that_cannot_start_says_why(self, home: Path, postgres_found: Found) -> None:
        with server_on(home, postgres_found):
            pass
        with (home / "data" / "postgresql.conf").open("a") as file:
            file.write("\nno_such_setting = 1\n")
        with pytest.raises(ServerError, match="no_such_setting"):
            server_on(home, postgres_found).start()
        with (home / "data" / "postgresql.conf").open("r+") as file:
            text = file.read().replace("no_such_setting = 1", "")
            file.seek(0)
            file.truncate()
            file.write(text)
        with server_on(home, postgres_found) as server:
            assert server.alive()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_make_and_run_it(new_home: Path, postgres_found: Found) -> None:
    nobody = server_account()
    assert nobody
    pythons = [Path(sys.executable), *Path("/usr/bin").glob("python3.1[1-9]")]
    python = next((path for path in pythons if nobody.can("-x", path)), None)
    if python is None:
        pytest.skip("no Python that an ordinary user could run")
    new_home.parent.chmod(0o777)
    code = new_home.parent / "code"
    shutil.copytree(ROOT / "local" / "servers", code / "local" / "servers")
    folder = postgres_found.runnable_by(nobody).parent
    with holding(new_home, folder, python, code, user=nobody.uid) as (_, pid, _url):
        assert Path(f"/proc/{pid}").stat().st_uid == nobody.uid
        assert (new_home / "passwords.json").stat().st_uid == nobody.uid
