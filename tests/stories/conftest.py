"""A world of its own for each story."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.proxy import ANY_REPLY, Proxy
from tests.stories.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.servers.postgres import Postgres
    from tests.conftest import Database


BOTH = pytest.mark.parametrize("world", ["single", "cluster"], indirect=True)


@pytest.fixture
async def world(
    request: pytest.FixtureRequest, database: Database, postgres: Postgres
) -> AsyncIterator[World]:
    """On a single Redis behind a proxy; marked BOTH, on a cluster of three nodes too."""
    cluster = getattr(request, "param", "single") == "cluster"
    url: str = request.getfixturevalue("redis_cluster_url" if cluster else "redis_url")
    redis = url if url.endswith("/") else url + "/"
    postgres_port, redis_port = urlsplit(database.app_url).port, urlsplit(redis).port
    assert postgres_port and redis_port
    async with Proxy(postgres_port) as to_postgres, Proxy(redis_port, reply=ANY_REPLY) as to_redis:
        made = World(
            database.app_url, redis, postgres.superuser_url, to_postgres, to_redis, cluster=cluster
        )
        yield made
        await made.close()
