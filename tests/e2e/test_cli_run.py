"""`cj run` as a person uses it: what it says, what it starts, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.servers.postgres import Postgres
from tests.e2e.tiny import CODE, TEMPLATE, Run, environment, own, project
from tests.processes import (
    PATIENCE_S,
    ROOT,
    cj,
    descendants,
    end_at_once,
    folder_outside_tests,
    lives,
    named,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Database


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """What a first start leaves: making it takes longer than all the rest."""
    with folder_outside_tests() as once:
        with Postgres(once / "postgres", fsync=False):
            pass
        yield once / "postgres"


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """A test's own, where CJ ran before."""
    with folder_outside_tests() as own_folder:
        (own_folder / "data").mkdir()
        subprocess.run(["cp", "-a", made, own_folder / "data"], check=True)
        yield own_folder


@pytest.fixture(scope="module")
def tiny() -> Iterator[Run]:
    """One that runs, for every test that only looks at it."""
    with (
        folder_outside_tests() as made,
        Run(made, project(made), {"LIMIT_WAITING": "7", "UNHEARD_OF": "1"}) as run,
    ):
        yield run


class TestWhileItRuns:
    def test_it_says_what_it_started_and_where_it_is(self, tiny: Run) -> None:
        for started in ("postgres ", "valkey ", "migrations", "gateway", tiny.state["url"]):
            assert started in tiny.said
        assert "\x1b" not in tiny.said

    def test_it_says_how_to_build_a_page_that_is_missing(self, tiny: Run) -> None:
        assert "`make run` builds it" in tiny.said

    def test_it_serves_the_template(self, tiny: Run) -> None:
        assert tiny.get("/hello") == "hello"
        until(lambda: "GET /hello" in tiny.said)

    def test_its_state_is_for_its_owner_alone(self, tiny: Run) -> None:
        assert stat.S_IMODE((tiny.data_dir / "run.json").stat().st_mode) == 0o600
        assert tiny.state["pid"] == tiny.process.pid

    @pytest.mark.parametrize("name", ["hello", "tiny-hello", "HelloFunction"])
    def test_a_function_is_invoked_by_its_folder_or_its_name(self, tiny: Run, name: str) -> None:
        answer = cj("invoke", name, "--data-dir", tiny.data_dir)
        assert answer.returncode == 0, answer.stderr
        assert json.loads(answer.stdout) == {"statusCode": 200, "body": "hello"}

    def test_a_failing_function_is_shown_and_ends_with_1(self, tiny: Run) -> None:
        answer = cj("invoke", "fail", "--data-dir", tiny.data_dir)
        assert answer.returncode == 1
        assert json.loads(answer.stdout)["errorMessage"] == "no luck"
        until(lambda: "Unhandled" in tiny.said)

    def test_an_unknown_function_is_answered_with_those_there_are(self, tiny: Run) -> None:
        answer = cj("invoke", "fly", "--data-dir", tiny.data_dir)
        assert answer.returncode == 1
        assert "environment, fail, hello, migrate" in answer.stderr

    def test_functions_know_where_everything_is(self, tiny: Run) -> None:
        here = tiny.state["url"]
        got = environment(tiny, "environment")
        assert got["DATABASE_URL"].startswith("postgresql://cj_app:")
        assert got["REDIS_URL"].startswith("redis://")
        assert (
            got["PUBLIC_URL"] == got["INTERNAL_API_URL"] == got["AWS_ENDPOINT_URL_LAMBDA"] == here
        )
        assert here in got["ALLOWED_ORIGINS"].split(",")
        assert got["WS_API_ENDPOINT"] == f"{here}/ws"

    def test_the_owner_s_address_is_for_the_migrate_function_alone(self, tiny: Run) -> None:
        assert environment(tiny, "environment")["DATABASE_MIGRATION_URL"] is None
        url = environment(tiny, "migrate")["DATABASE_MIGRATION_URL"]
        assert url.startswith("postgresql://cj_owner:")

    def test_a_setting_in_the_shell_reaches_the_functions_and_nothing_else_does(
        self, tiny: Run
    ) -> None:
        got = environment(tiny, "environment")
        assert got["LIMIT_WAITING"] == "7"
        assert got["UNHEARD_OF"] is None

    def test_a_second_one_on_the_same_data_is_told_where_the_first_is(self, tiny: Run) -> None:
        answer = cj("run", "--port", "0", "--data-dir", tiny.data_dir)
        assert answer.returncode == 1
        assert tiny.state["url"] in answer.stderr
        assert (tiny.data_dir / "run.json").exists()

    def test_a_reset_is_refused(self, tiny: Run) -> None:
        answer = cj("reset", "--yes", "--data-dir", tiny.data_dir)
        assert answer.returncode == 1
        assert tiny.state["url"] in answer.stderr

    def test_migrations_go_to_its_own_database(self, tiny: Run) -> None:
        assert cj("migrate", "--data-dir", tiny.data_dir).stdout == "up to date\n"

    def test_a_port_in_use_is_named_with_what_to_do(self, tiny: Run, folder: Path) -> None:
        port = tiny.state["port"]
        answer = cj("run", "--port", port, "--data-dir", folder, "--template", tiny.template)
        assert answer.returncode == 1
        assert str(port) in answer.stderr
        assert "--port" in answer.stderr
        assert "Traceback" not in answer.stderr


class TestEnds:
    def test_ctrl_c_ends_it_cleanly_and_leaves_nothing(self, folder: Path) -> None:
        with own(folder) as run:
            run.get("/hello")
            below = descendants(run.process.pid)
            assert len(below) >= 3
            assert run.interrupt() == 0
            assert not [pid for pid in below if lives(pid)]
            assert not (run.data_dir / "run.json").exists()
            assert "Ended in" in run.said

    def test_sigterm_does_the_same(self, folder: Path) -> None:
        with own(folder) as run:
            below = descendants(run.process.pid)
            run.process.terminate()
            assert run.process.wait(PATIENCE_S) == 0
            assert not [pid for pid in below if lives(pid)]

    def test_a_kill_leaves_no_orphan_and_the_next_start_works(self, folder: Path) -> None:
        with own(folder) as run:
            run.get("/hello")
            below = descendants(run.process.pid)
            assert len(below) >= 3
            end_at_once(run.process)
            until(lambda: not [pid for pid in below if lives(pid)])
        assert cj("invoke", "hello", "--data-dir", run.data_dir).returncode == 1
        (run.data_dir / "run.json").unlink()
        with own(folder) as again:
            assert again.get("/hello") == "hello"

    def test_an_end_while_it_still_starts_is_clean_too(self, folder: Path) -> None:
        template = project(folder)
        arguments = ["--port", "0", "--data-dir", folder / "data", "--template", template]
        process = subprocess.Popen(
            [sys.executable, "-m", "local.cli", "run", *map(str, arguments)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        until(lambda: descendants(process.pid))
        below = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
        assert not [pid for pid in below if lives(pid)]

    def test_the_same_ctrl_c_may_arrive_twice(self, folder: Path) -> None:
        with own(folder) as run:
            os.killpg(run.process.pid, signal.SIGINT)
            assert run.interrupt() == 0

    def test_a_second_ctrl_c_ends_it_at_once(self, folder: Path) -> None:
        with own(folder) as run:
            below = descendants(run.process.pid)
            stuck = next(pid for pid in below if named(pid, "postgres"))
            os.kill(stuck, signal.SIGSTOP)  # as a disk that hangs would do
            run.process.send_signal(signal.SIGINT)
            until(lambda: "Ending" in run.said)

            def again() -> bool:
                run.process.send_signal(signal.SIGINT)
                return run.process.poll() is not None

            until(again)
            assert run.process.returncode == 130
            os.kill(stuck, signal.SIGCONT)
            until(lambda: not [pid for pid in below if lives(pid)])


class TestDoesNotStart:
    @pytest.mark.parametrize(
        ("template", "said"),
        [
            ("Resources: [", "template.yaml"),
            (TEMPLATE.replace("functions.hello.app.handler", "functions.fly.app.handler"), "fly"),
        ],
    )
    def test_a_broken_template_is_named_and_nothing_is_left(
        self, folder: Path, template: str, said: str
    ) -> None:
        path = project(folder, template)
        answer = cj("run", "--port", "0", "--data-dir", folder / "data", "--template", path)
        assert answer.returncode == 1
        assert said in answer.stderr
        assert "Traceback" not in answer.stderr
        assert not (folder / "data" / "run.json").exists()

    def test_a_missing_template_is_named(self, folder: Path) -> None:
        answer = cj("run", "--data-dir", folder / "data", "--template", folder / "none.yaml")
        assert answer.returncode == 1
        assert str(folder / "none.yaml") in answer.stderr


def test_a_function_that_cannot_be_imported_is_named_at_the_start(folder: Path) -> None:
    code = {**CODE, "hello": "import no_such_module\n"}
    with Run(folder, project(folder, code=code), {}) as run:
        until(lambda: "no_such_module" in run.said)


def test_servers_of_the_shell_are_used_and_none_are_started(
    folder: Path, database: Database, redis_url: str
) -> None:
    urls = {
        "DATABASE_URL": database.app_url,
        "DATABASE_MIGRATION_URL": database.owner_url,
        "REDIS_URL": redis_url,
    }
    with own(folder, **urls) as run:
        assert "postgres (yours)" in run.said
        assert environment(run, "environment")["DATABASE_URL"] == database.app_url
        assert not [pid for pid in descendants(run.process.pid) if named(pid, "postgres")]
        passwords = [url.split("@")[0].rpartition(":")[2] for url in urls.values()]
        assert not [password for password in passwords if password in run.said]


def test_a_server_that_ends_by_itself_is_told(folder: Path) -> None:
    with own(folder) as run:
        valkey = next(pid for pid in descendants(run.process.pid) if named(pid, "valkey-server"))
        os.kill(valkey, signal.SIGKILL)
        until(lambda: "valkey has ended by itself" in run.said)
