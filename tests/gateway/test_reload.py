"""Changed code and templates are served without a restart; broken ones do no harm."""

import asyncio
import json
import textwrap
from contextlib import asynccontextmanager

import pytest

from local.gateway import template
from local.gateway.reload import Reload, watched
from local.gateway.report import Noticed
from tests.gateway.pools import a_function, a_model, running, until

TEXT = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Deeds:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: code
      Handler: app.handler
      Layers: [!Ref Shared]
      Environment: {Variables: {WORD: hello}}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layer}
"""
CODE = """
import os
from shared import MARK

def handler(event, context):
    return [os.environ["WORD"], MARK, "old"]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "layer").mkdir()
    (tmp_path / "template.yaml").write_text(textwrap.dedent(TEXT))
    (tmp_path / "code/app.py").write_text(CODE)
    (tmp_path / "layer/shared.py").write_text("MARK = 1\n")
    return tmp_path


@asynccontextmanager
async def watching(folder):
    """Pools of the template's functions that reload; `ask` is what the function says now."""
    path = folder / "template.yaml"
    load = lambda: template.load(path, {}, shell={})  # noqa: E731
    model = load()
    async with running(*model.functions.values()) as pools:

        def serve(model):
            pools.function = model.functions["Deeds"]
            pools.functions.replace(model)

        async with Reload(path, model, load, serve, pools.reports.append):
            yield pools


async def until_answer(pools, wanted):
    for _ in range(1000):
        outcome = await pools.invoke()
        if outcome.error is None and json.loads(outcome.payload) == wanted:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"the answer is still {outcome.payload!r}")


def change(file, old, new):
    """As editors save: a new file in the old one's place."""
    aside = file.with_name(f"{file.name}.new")
    aside.write_text(file.read_text().replace(old, new))
    aside.replace(file)


async def test_changed_code_is_served(folder):
    async with watching(folder) as pools:
        assert await pools.answer() == ["hello", 1, "old"]
        # Of another length: Python takes its cache for up to date within the same second.
        change(folder / "code/app.py", '"old"', '"brand new"')
        await until_answer(pools, ["hello", 1, "brand new"])
        assert any("app.py" in notice.text for notice in pools.reported(Noticed))


async def test_a_changed_layer_is_served(folder):
    async with watching(folder) as pools:
        assert await pools.answer() == ["hello", 1, "old"]
        (folder / "layer/shared.py").write_text("MARK = 22\n")
        await until_answer(pools, ["hello", 22, "old"])


async def test_a_changed_template_is_served(folder):
    async with watching(folder) as pools:
        assert await pools.answer() == ["hello", 1, "old"]
        change(folder / "template.yaml", "WORD: hello", "WORD: goodbye")
        await until_answer(pools, ["goodbye", 1, "old"])


async def test_a_template_that_broke_is_reported_and_the_old_one_stays(folder):
    async with watching(folder) as pools:
        change(folder / "template.yaml", "app.handler", "nowhere.handler")
        (notice,) = await until(lambda: pools.reported(Noticed))
        assert notice.error
        assert "Deeds: Handler is nowhere.handler, but there is no nowhere.py" in notice.text
        assert "is served as it was" in notice.text
        assert await pools.answer() == ["hello", 1, "old"]
        change(folder / "template.yaml", "nowhere.handler", "app.handler")
        change(folder / "template.yaml", "WORD: hello", "WORD: mended")
        await until_answer(pools, ["mended", 1, "old"])


async def test_code_that_broke_is_reported_and_mended_code_is_served(folder):
    async with watching(folder) as pools:
        change(folder / "code/app.py", "from shared", "from shred")
        await until(lambda: pools.reported(Noticed))
        assert (await pools.failure())["errorType"] == "Runtime.ImportModuleError"
        change(folder / "code/app.py", "from shred", "from shared")
        await until_answer(pools, ["hello", 1, "old"])


async def test_a_folder_the_template_newly_names_is_watched_too(folder):
    other = folder / "other"
    other.mkdir()
    (other / "app.py").write_text(CODE.replace('"old"', '"other"'))
    async with watching(folder) as pools:
        change(folder / "template.yaml", "CodeUri: code", "CodeUri: other")
        await until_answer(pools, ["hello", 1, "other"])
        # Watching begins in a moment: the file is changed until that is seen.
        for number in range(200):
            change(other / "app.py", '"other', f'"other {number} ')
            if any("other/app.py" in notice.text for notice in pools.reported(Noticed)):
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the new folder is not watched")


async def test_bytecode_that_python_writes_is_no_change(folder):
    async with watching(folder) as pools:
        await pools.answer()
        assert (folder / "code/__pycache__").is_dir()
        (folder / "code/app.py").touch()
        notices = await until(lambda: pools.reported(Noticed))
        assert not [notice for notice in notices if "pyc" in notice.text]


async def test_a_watcher_that_cannot_watch_says_so(folder):
    model = a_model(a_function(watched=(folder / "gone",)))
    reports = []
    path = folder / "template.yaml"
    async with Reload(path, model, lambda: model, lambda _: None, reports.append):
        (notice,) = await until(lambda: reports)
    assert notice.error
    assert "Changes are not looked for any more" in notice.text


def test_a_folder_inside_a_watched_one_is_not_watched_twice(tmp_path):
    one, two = tmp_path / "a", tmp_path / "a" / "b"
    model = a_model(a_function("A", watched=(one,)), a_function("B", watched=(two, one)))
    assert watched(model) == {one}
