"""A tiny project with a template of its own, and a `cj run` of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tests.processes import PATIENCE_S, ROOT, cj, until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, CodeUri: code, Timeout: 10}}
Resources:
  Http: {Type: AWS::Serverless::HttpApi}
  HelloFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: tiny-hello
      Handler: functions.hello.app.handler
      Events: {Hello: {Type: HttpApi, Properties: {ApiId: !Ref Http, Method: GET, Path: /hello}}}
  EnvironmentFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: functions.environment.app.handler}
  MigrateFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: functions.migrate.app.handler}
  FailFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: functions.fail.app.handler}
"""
ENVIRONMENT = """\
import os

def handler(event, context):
    return {name: os.environ.get(name) for name in event}
"""
CODE = {
    "hello": "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n",
    "environment": ENVIRONMENT,
    "migrate": ENVIRONMENT,
    "fail": "def handler(event, context):\n    raise ValueError('no luck')\n",
}


def project(folder: Path, template: str = TEMPLATE, code: Mapping[str, str] = CODE) -> Path:
    """A tiny project with a template of its own; gives the template."""
    for name, text in code.items():
        module = folder / "code" / "functions" / name / "app.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(text)
        module.parent.with_name("__init__.py").write_text("")
    (folder / "template.yaml").write_text(template)
    return folder / "template.yaml"


@dataclass
class Run:
    """A `cj run` in a process group of its own, as in a terminal of its own."""

    folder: Path
    template: Path
    environ: Mapping[str, str]

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def __enter__(self) -> Self:
        self.log = self.folder / "log"
        arguments = ["run", "--port", "0", "--data-dir", self.data_dir, "--template", self.template]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.cli", *map(str, arguments), "--no-reload"],
                cwd=ROOT,
                env={**os.environ, **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        until(lambda: (self.data_dir / "run.json").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said
        self.state = json.loads((self.data_dir / "run.json").read_text())
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.interrupt()

    def interrupt(self) -> int:
        """Ctrl-C: the terminal signals the whole group. Gives the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE_S)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def get(self, path: str) -> str:
        # Loopback without any proxy the environment may name.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.state['url']}{path}", timeout=PATIENCE_S) as answer:
            return str(answer.read().decode())


def own(folder: Path, **environ: str) -> Run:
    return Run(folder, project(folder), environ)


def environment(run: Run, function: str) -> dict[str, str]:
    names = [
        "DATABASE_URL",
        "DATABASE_MIGRATION_URL",
        "REDIS_URL",
        "PUBLIC_URL",
        "ALLOWED_ORIGINS",
        "WS_API_ENDPOINT",
        "INTERNAL_API_URL",
        "AWS_ENDPOINT_URL_LAMBDA",
        "LIMIT_WAITING",
        "UNHEARD_OF",
    ]
    answer = cj("invoke", function, "--payload", json.dumps(names), "--data-dir", run.data_dir)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout))
