"""Backups in a bucket, from the copy to the proof, and what is said when it does not answer."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from dfly_tui.models.operation import Outcome
from dfly_tui.models.snapshots import SnapshotFormat
from dfly_tui.operations.backup.copy import copy
from dfly_tui.operations.backup.drill import drill
from dfly_tui.operations.backup.look import look_at
from dfly_tui.operations.backup.verify import verify
from tests.support.backed import ENVIRON, STORE, Backed, backed
from tests.support.group import outcome, told
from tests.support.real_rdb import real_rdb

SECRET = {**ENVIRON, "MINIO_SECRET": "not to be seen"}


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[str, Any]]:
    """Its endpoint, and it as boto3 has it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    resource = session.resource("s3", endpoint_url=endpoint)
    # What one such server holds all of this process hold: a bucket of our own, of which nothing is left.
    bucket = resource.create_bucket(Bucket="copies")
    yield endpoint, bucket
    bucket.objects.delete()
    resource.meta.client.close()
    server.stop()


def minio(endpoint: str) -> dict[str, Any]:
    return {"name": "minio", "url": "s3://copies/dragonfly", "endpoint": endpoint, "access_key": "key",
            "password_env": "MINIO_SECRET"}  # fmt: skip


def names(bucket: Any) -> list[str]:
    return sorted(each.key.removeprefix("dragonfly/") for each in bucket.objects.all())


async def test_a_copy_in_a_bucket_is_listed_verified_and_tried(bucket: tuple[str, Any]) -> None:
    endpoint, objects = bucket
    async with backed({"copy_to": ["minio"]}) as at:
        at.stores = [minio(endpoint)]
        _, events = await at.back_up(environ=SECRET)
        assert outcome(events) is Outcome.DONE, told(events)
        record = at.record
        assert names(objects) == sorted([*(file.name for file in record.files), f"{record.base}.manifest.json"])
        async with at.scene(environ=SECRET) as scene:
            seen = await look_at(scene)
            assert [store.name for store in seen.stores if store.files] == ["instance", "minio"]
            assert (await verify(scene, await scene.chosen(record.base, "minio"))).ok
            events = await at.servers.run(await drill(scene, await scene.chosen(record.base, "minio")), scene.access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert at.record.proven_at is not None
        assert "not to be seen" not in at.record.model_dump_json() + told(events)
        first = next(iter(objects.objects.filter(Prefix=f"dragonfly/{record.base}-0000")))
        first.put(Body=b"x" * first.size)
        async with at.scene(environ=SECRET) as scene:
            proof = await verify(scene, await scene.chosen(record.base, "minio"))
        assert "does not have the content it was recorded with" in proof.text
        assert not at.record.is_broken, "the one on the instance is as good as it was"


@pytest.mark.redis_server
async def test_an_rdb_file_of_redis_goes_through_a_bucket(bucket: tuple[str, Any]) -> None:
    async with backed({"copy_to": ["minio"]}) as at:
        at.stores = [minio(bucket[0])]
        await real_rdb(at.folder / "redis.rdb")
        async with at.scene(environ=SECRET) as scene:
            plan = await copy(scene, await scene.chosen("redis", "instance"), ["minio"])
            events = await at.servers.run(plan, scene.access)
            assert outcome(events) is Outcome.DONE, told(events)
            (at.folder / "redis.rdb").unlink()
            proof = await verify(scene, await scene.chosen("redis", kind=SnapshotFormat.RDB))
        assert (proof.ok, proof.store) == (True, "minio")
        assert "208 keys in it" in proof.text


async def test_a_bucket_that_does_not_answer_costs_only_the_copy() -> None:
    async with backed({"copy_to": [STORE, "minio"]}) as at:
        at.stores = [minio("http://127.0.0.1:1")]
        _, events = await at.back_up(environ=SECRET)
        assert outcome(events) is Outcome.INCOMPLETE, told(events)
        assert [each.store for each in at.record.copies] == [STORE]
        assert any("--to minio" in line for line in events[-1].follow_ups)
        assert await _whole(at) == 1


async def _whole(at: Backed) -> int:
    return sum(each.is_complete for each in await at.sets())
