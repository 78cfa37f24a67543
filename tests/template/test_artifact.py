"""What `make build` built: complete, for the right machine, and at work on a bare Python 3.13."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template import compiled
from tests.template.builds import TO_DEPLOY, TO_INVOKE, Build, machine_of, python313

pytestmark = pytest.mark.artifact

LAYER_LIMIT_MB = 80
both = pytest.mark.parametrize("build", [TO_DEPLOY, TO_INVOKE], ids=["to-deploy", "to-invoke"])


@both
def test_every_library_is_for_the_architecture_of_its_build(build: Build) -> None:
    machines = {str(p.relative_to(build.folder)): machine_of(p) for p in build.libraries()}
    assert any("asyncpg" in name for name in machines)
    assert any("pydantic_core" in name for name in machines)
    assert set(machines.values()) == {build.architecture}, machines


@both
def test_the_layer_is_small_enough(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    size_mb = sum(p.stat().st_size for p in build.layer.rglob("*") if p.is_file()) / 1e6
    with capsys.disabled():
        sys.stdout.write(f"\nThe layer for {build.architecture}: {size_mb:.1f} MB with .pyc\n")
    assert size_mb < LAYER_LIMIT_MB


@both
def test_every_module_of_the_layer_is_compiled_by_lambda_s_python(build: Build) -> None:
    report = subprocess.check_output([str(python313()), "-S", compiled.__file__, str(build.layer)])
    assert json.loads(report) == {}


@both
def test_the_layer_holds_cj_and_nothing_of_its_tests(build: Build) -> None:
    assert (build.layer / "cj" / "py.typed").exists()
    assert list((build.layer / "cj" / "migrations").glob("*.sql"))
    assert not [p for p in build.layer.rglob("*") if p.name in ("tests", "conftest.py", "python")]
    assert not [p for p in build.layer.rglob("*.py[ix]")]


@both
def test_every_function_brings_its_own_folder_and_no_cj(build: Build) -> None:
    for function, properties in build.functions():
        folder = build.folder / function
        app = Path(*properties["Handler"].split(".")[:-1]).with_suffix(".py")
        assert (folder / app).exists(), folder / app
        modules = {str(p.relative_to(folder).parent) for p in folder.rglob("*.py")}
        assert modules == {str(app.parent)}, "only what stands in the function's own folder"
