"""The embedded PostgreSQL as a process: how it starts and ends, and whose it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.servers.account import server_account
from local.servers.process import ServerError
from tests.integration.postgres_server import asked, server_on
from tests.processes import ROOT, end_at_once, lives, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.servers.found import Found
    from local.servers.postgres import Postgres

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
