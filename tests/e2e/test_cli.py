"""The `cj` command where nothing has to run: help, refusals, resets, migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes import cj

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database


@pytest.mark.parametrize("command", [(), ("run",), ("reset",), ("migrate",), ("invoke",)])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    said = cj(*command, "--help")
    assert said.returncode == 0
    assert said.stdout.startswith("usage: cj")


def test_it_knows_its_version() -> None:
    assert cj("--version").stdout == "cj 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "COMMAND"),
        (("fly",), "'fly'"),
        (("run", "--port", "65536"), "65536 is no port"),
        (("run", "--port", "http"), "--port"),
        (("invoke", "archiver", "--payload", "{"), "not JSON"),
    ],
)
def test_what_is_not_understood_is_named_and_ends_with_2(
    arguments: tuple[str, ...], said: str
) -> None:
    answer = cj(*arguments)
    assert answer.returncode == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_invoking_needs_a_running_cj_and_says_how_to_get_one(tmp_path: Path) -> None:
    answer = cj("invoke", "archiver", "--data-dir", tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "cj run" in answer.stderr


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = cj("run", "--data-dir", tmp_path / "file" / "data")
    assert answer.returncode == 1
    assert str(tmp_path / "file" / "data") in answer.stderr
    assert "--data-dir" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_traceback_is_for_verbose_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    arguments = ("run", "--data-dir", tmp_path / "file" / "data", "--verbose")
    assert "Traceback" in cj(*arguments).stderr


class TestReset:
    def test_without_data_there_is_nothing_to_do(self, tmp_path: Path) -> None:
        answer = cj("reset", "--data-dir", tmp_path / "none")
        assert answer.returncode == 0
        assert not (tmp_path / "none").exists()

    def test_it_asks_and_without_anybody_to_ask_it_deletes_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "postgres").mkdir()
        answer = cj("reset", "--data-dir", tmp_path, stdin="y\n")
        assert answer.returncode == 1
        assert "--yes" in answer.stderr
        assert (tmp_path / "postgres").is_dir()

    def test_it_deletes_what_cj_made_and_only_that(self, tmp_path: Path) -> None:
        (tmp_path / "postgres" / "data").mkdir(parents=True)
        (tmp_path / "run.json").write_text("{}")
        (tmp_path / "thesis.txt").write_text("years of work")
        answer = cj("reset", "--data-dir", tmp_path, "--yes")
        assert answer.returncode == 0
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
        assert "thesis.txt" in answer.stdout

    def test_an_empty_folder_goes_too(self, tmp_path: Path) -> None:
        (tmp_path / "data" / "valkey").mkdir(parents=True)
        assert cj("reset", "--data-dir", tmp_path / "data", "--yes").returncode == 0
        assert not (tmp_path / "data").exists()


class TestMigrate:
    def test_it_brings_a_database_to_the_newest_schema_once(self, owner_database: Database) -> None:
        where = ("--database-url", owner_database.owner_url)
        before = cj("migrate", "--status", *where).stdout.splitlines()
        assert before
        assert all("to be applied" in line for line in before)
        first = cj("migrate", *where)
        assert first.returncode == 0
        assert len(first.stdout.splitlines()) == len(before)
        assert cj("migrate", *where).stdout == "up to date\n"
        assert "to be applied" not in cj("migrate", "--status", *where).stdout

    def test_a_database_that_does_not_answer_is_one_clear_line(self) -> None:
        answer = cj("migrate", "--database-url", "postgresql://cj:secret@127.0.0.1:1/cj")
        assert answer.returncode == 1
        assert "does not answer" in answer.stderr
        assert "secret" not in answer.stderr
        assert answer.stderr.count("\n") == 1
