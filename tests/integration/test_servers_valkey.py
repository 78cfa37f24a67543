"""The embedded Valkey, alone and as a cluster of three."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local.servers.valkey import Valkey
from tests.processes import ROOT, end_at_once, listening, lives, until

if TYPE_CHECKING:
    from local.servers.cluster import Cluster
    from local.servers.found import Found

HOLD = """
import sys
from pathlib import Path
from local.servers.found import redis_at
from local.servers.valkey import Valkey

server = Valkey(Path(sys.argv[1]), found=redis_at(Path(sys.argv[2])))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def test_it_wants_its_password(tmp_path: Path, redis_found: Found) -> None:
    with Valkey(tmp_path, found=redis_found) as server:
        once = Retry(NoBackoff(), 0)
        with (
            closing(redis.Redis(port=server.port, retry=once)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        with closing(redis.Redis.from_url(server.url)) as client:
            assert client.ping()


def test_its_password_stands_in_no_command_line_and_no_log(
    tmp_path: Path, redis_found: Found
) -> None:
    with Valkey(tmp_path, found=redis_found) as server:
        written = server.log.read_text() + Path(f"/proc/{server.pid}/cmdline").read_text()
        assert server.password not in written


def test_it_listens_on_loopback_only(tmp_path: Path, redis_found: Found) -> None:
    with Valkey(tmp_path, found=redis_found) as server:
        assert listening(server.port) == {"127.0.0.1"}


def test_it_forgets_everything_when_it_stops(tmp_path: Path, redis_found: Found) -> None:
    for _ in range(2):
        with (
            Valkey(tmp_path, found=redis_found) as server,
            closing(redis.Redis.from_url(server.url)) as client,
        ):
            assert client.dbsize() == 0
            client.set("key", "value")


def test_a_stop_leaves_no_process(tmp_path: Path, redis_found: Found) -> None:
    server = Valkey(tmp_path, found=redis_found)
    server.start()
    pid = server.pid
    assert pid
    server.stop()
    assert not lives(pid)


def test_a_killed_parent_leaves_no_orphan(tmp_path: Path, redis_found: Found) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), str(redis_found.program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with holder:
        assert holder.stdout
        pid = int(holder.stdout.readline())
        assert lives(pid)
        end_at_once(holder)
        until(lambda: not lives(pid))


def test_three_nodes_share_the_slots_and_refuse_keys_of_two(redis_cluster_url: str) -> None:
    with closing(redis.RedisCluster.from_url(redis_cluster_url)) as client:
        assert len({node.port for node in client.get_primaries()}) == 3  # type: ignore[no-untyped-call]
        for number in range(50):
            client.set(f"key{number}", number)
        assert client.get("key49") == b"49"
        with pytest.raises(redis.RedisClusterException):
            client.eval("return redis.call('get', KEYS[2])", 2, "key1", "key2")


def test_a_script_that_touches_an_undeclared_key_is_found_out_by_the_cluster_alone(
    redis_url: str, redis_cluster_url: str
) -> None:
    sloppy = "return redis.call('get', 'key2')"
    with closing(redis.Redis.from_url(redis_url)) as alone:
        assert alone.eval(sloppy, 1, "key1") is None
    with (
        closing(redis.RedisCluster.from_url(redis_cluster_url)) as cluster,
        pytest.raises(redis.ResponseError),
    ):
        cluster.eval(sloppy, 1, "key1")


def test_the_cluster_s_nodes_are_empty_for_each_test(
    redis_cluster_url: str, _cluster: Cluster
) -> None:
    assert redis_cluster_url in _cluster.urls
    for url in _cluster.urls:
        with closing(redis.Redis.from_url(url)) as node:
            assert node.dbsize() == 0
