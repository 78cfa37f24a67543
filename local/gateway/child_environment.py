"""The environment of a function's process: what Lambda and the template set, little else."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.gateway.model import Function
    from local.gateway.sigv4 import Credentials

# Of the gateway's own environment; a process without them finds no interpreter and no home.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


def child_environment(
    function: Function,
    credentials: Credentials,
    runtime_api: str,
    laid_over: Mapping[str, str],
) -> dict[str, str]:
    """Everything the process sees; what Lambda reserves cannot be overridden, as on Lambda."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        "LANG": inherited.get("LANG", "en_US.UTF-8"),
        "TZ": "UTC",
        **_region(function),
        **function.environment,
        **laid_over,
        **_reserved(function, runtime_api),
        **_signing(credentials),
    }


def _region(function: Function) -> dict[str, str]:
    region = function.arn.split(":")[3]
    return {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def _reserved(function: Function, runtime_api: str) -> dict[str, str]:
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    root = str(function.python_path[0])
    return {
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{python}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": root,
        "PYTHONPATH": os.pathsep.join(str(folder) for folder in function.python_path),
    }


def _signing(credentials: Credentials) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
    }
