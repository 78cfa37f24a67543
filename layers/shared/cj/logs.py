"""JSON log lines and metrics, with one correlation id from the browser's request to the turn.

Modules log with `logging.getLogger(__name__)` and `extra={...}`; everything below `cj` arrives
here. Ids, counts and times only: cj.domain.scrub keeps the rest from leaving.
"""

from __future__ import annotations

import contextlib
import logging
import re
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

from cj.domain.scrub import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

# Ours, and those that tell of exceptions which nobody took.
LOGGERS = ("cj", "mangum", "asyncio", "botocore", "redis")


class Formatter(LambdaPowertoolsFormatter):
    """JSON lines of fields that may leave, tracebacks included."""

    def serialize(self, log: Any) -> str:
        return super().serialize(allowed(log))


class Journal:
    """What one process writes down. Built once, by cj.runtime."""

    def __init__(self, service: str, level: str) -> None:
        formatter = Formatter(utc=True, serialize_stacktrace=False)
        self._logger = Logger(service=service, level=level, logger_formatter=formatter)
        for name in LOGGERS:
            ours = logging.getLogger(name)
            ours.handlers = [self._logger.registered_handler]
            ours.setLevel(level if name == "cj" else logging.WARNING)
            ours.propagate = False  # the Lambda runtime's handler would write every line again
        self._metrics = Metrics(namespace="CJ", service=service)
        self.service = service
        self.correlation_id = ""

    @contextlib.contextmanager
    def invocation(self, correlation_id: str, **context: Any) -> Iterator[None]:
        """Every line and metric inside belongs to this invocation; metrics leave at its end."""
        self.correlation_id = correlation_id
        self._logger.append_keys(correlation_id=correlation_id, **context)
        try:
            yield
        finally:
            if self._metrics.metric_set:
                self._metrics.flush_metrics()
            self._logger.clear_state()

    def follow(self, correlation_id: str) -> None:
        """This invocation belongs to another one's: lines and wake-ups bear that one's id."""
        if re.fullmatch(r"[\w=-]{1,64}", correlation_id, re.ASCII):
            self.correlation_id = correlation_id
            self.note(correlation_id=correlation_id)

    def note(self, **context: Any) -> None:
        """Say more about the invocation, for every later line."""
        self._logger.append_keys(**context)

    def count(self, name: str, value: float = 1) -> None:
        """A metric that is added up."""
        self._metrics.add_metric(name, MetricUnit.Count, value)

    def took(self, name: str, ms: float) -> None:
        """A metric of time."""
        self._metrics.add_metric(name, MetricUnit.Milliseconds, ms)


def log_of(module: str) -> logging.Logger:
    """The module's logger."""
    return logging.getLogger(module)
