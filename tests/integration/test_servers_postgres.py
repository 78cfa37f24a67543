"""The embedded PostgreSQL: its roles, its files, its data."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from local.servers.found import Found
from local.servers.process import ServerError
from tests.integration.postgres_server import asked, server_on
from tests.processes import listening

if TYPE_CHECKING:
    from local.servers.postgres import Postgres


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
