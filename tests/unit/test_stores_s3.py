"""Backups in a bucket, against a real S3 API served by this process."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from dfly_tui.clients.stores.s3 import S3Store
from dfly_tui.errors import OutcomeUnknown, Refused, StoreFailed
from dfly_tui.settings_backup import StoreConfig
from tests.support.httpd import Request, page, serving
from tests.support.servers import free_port
from tests.support.stores import content, read, some_bytes

SECRET = "very-secret-key"
PART = 5 << 20
"""The smallest that S3 takes."""


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def resource(moto: str) -> Iterator[Any]:
    """The same as boto3 has it."""
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    resource = session.resource("s3", endpoint_url=moto)
    resource.create_bucket(Bucket="backups")
    yield resource
    resource.meta.client.close()


@pytest.fixture
def bucket(resource: Any) -> Iterator[Any]:
    """An empty bucket."""
    bucket = resource.Bucket("backups")
    yield bucket
    bucket.objects.delete()
    for upload in bucket.multipart_uploads.all():
        upload.abort()


def store_at(
    endpoint: str | None,
    url: str = "s3://backups/dragonfly",
    *,
    timeout: float = 5.0,
    access_key: str | None = "key",
    secret_key: str | None = SECRET,
) -> S3Store:
    async def secret() -> str | None:
        return secret_key

    settings = StoreConfig(name="minio", url=url, endpoint=endpoint, access_key=access_key)
    return S3Store("minio", settings, secret=secret, timeout_seconds=timeout, part_bytes=PART)


@pytest.fixture
async def store(moto: str, bucket: Any) -> AsyncIterator[S3Store]:
    store = store_at(moto)
    yield store
    await store.aclose()


def keys(bucket: Any) -> list[str]:
    return sorted(each.key for each in bucket.objects.all())


def uploads(bucket: Any) -> int:
    return len(list(bucket.multipart_uploads.all()))


class TestObjects:
    async def test_there_and_back(self, store: S3Store, bucket: Any) -> None:
        data = some_bytes(2_000_001)
        await store.write("a:b c+%.rdb", content(data[:7], data[7:]), len(data))
        assert keys(bucket) == ["dragonfly/a:b c+%.rdb"]
        assert await read(store, "a:b c+%.rdb") == data
        (file,) = await store.files()
        assert (file.name, file.size_bytes, file.modified_at.tzinfo is not None) == ("a:b c+%.rdb", len(data), True)
        await store.remove("a:b c+%.rdb")
        await store.remove("a:b c+%.rdb")
        assert await store.files() == ()

    @pytest.mark.parametrize(
        ("size", "is_known"),
        [(0, True), (0, False), (PART - 1, True), (PART, True), (PART + 1, True), (2 * PART, True), (2 * PART, False)],
    )
    async def test_any_size(self, store: S3Store, bucket: Any, size: int, is_known: bool) -> None:
        data = some_bytes(size)
        await store.write("a.rdb", content(data[: size // 3], data[size // 3 :]), size if is_known else -1)
        assert await read(store, "a.rdb") == data
        assert uploads(bucket) == 0

    async def test_only_what_is_right_under_the_prefix(self, moto: str, store: S3Store, bucket: Any) -> None:
        for key in ("dragonfly/a.rdb", "dragonfly/.hidden", "dragonfly/deeper/b.rdb", "dragonfly/", "other.rdb"):
            bucket.put_object(Key=key, Body=b"1")
        assert [file.name for file in await store.files()] == ["a.rdb"]
        for url in ("s3://backups", "s3://backups/"):
            whole = store_at(moto, url)
            assert [file.name for file in await whole.files()] == ["other.rdb"]
            await whole.aclose()

    async def test_a_listing_of_many_pages(self, store: S3Store, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(7):
            bucket.put_object(Key=f"dragonfly/{number}.rdb", Body=b"1")
        api = (await store._connected()).again
        real = api.list_objects_v2
        monkeypatch.setattr(api, "list_objects_v2", lambda **asked: real(**asked, MaxKeys=2))
        assert sorted(file.name for file in await store.files()) == [f"{number}.rdb" for number in range(7)]

    async def test_what_is_not_there(self, store: S3Store) -> None:
        with pytest.raises(StoreFailed, match=r"cannot read no\.rdb in s3://backups/dragonfly: it is not there"):
            await read(store, "no.rdb")

    @pytest.mark.parametrize("name", ["", "..", ".hidden", "../a", "a/b", "a\nb"])
    async def test_names_that_lead_elsewhere(self, name: str) -> None:
        store = store_at("http://127.0.0.1:1")
        with pytest.raises(StoreFailed):
            await store.write(name, content(b"1"), 1)
        with pytest.raises(StoreFailed):
            await store.remove(name)
        with pytest.raises(StoreFailed):
            await read(store, name)


class TestNeverOverAnother:
    async def test_one_that_is_there(self, store: S3Store, bucket: Any) -> None:
        bucket.put_object(Key="dragonfly/a.rdb", Body=b"old")
        with pytest.raises(Refused, match=r"a\.rdb is in s3://backups/dragonfly already"):
            await store.write("a.rdb", content(b"new"), 3)
        await store.write("a.rd", content(b"another"), 7)
        assert await read(store, "a.rdb") == b"old"

    @pytest.mark.parametrize("size", [3, PART + 3])
    async def test_one_that_comes_meanwhile(self, store: S3Store, bucket: Any, size: int) -> None:
        async def overtaken() -> AsyncIterator[bytes]:
            yield some_bytes(size)
            bucket.put_object(Key="dragonfly/a.rdb", Body=b"theirs")

        with pytest.raises(Refused, match="it is there already"):
            await store.write("a.rdb", overtaken(), size)
        assert await read(store, "a.rdb") == b"theirs"
        assert uploads(bucket) == 0

    @pytest.mark.parametrize("size", [3, PART + 3])
    async def test_a_store_that_knows_no_conditions(self, moto: str, bucket: Any, size: int) -> None:
        """It is asked again before the object is seen."""

        def refused(head: bytes) -> bytes | None:
            if b"if-none-match" not in head.lower():
                return None
            text = "<Error><Code>NotImplemented</Code><Message>A header is not implemented</Message></Error>"
            return page(text, "501 Not Implemented", "Connection: close\r\n")

        async def overtaken() -> AsyncIterator[bytes]:
            yield some_bytes(size)
            bucket.put_object(Key="dragonfly/b.rdb", Body=b"theirs")

        async with harmed(moto, answer=refused) as endpoint:
            store = store_at(endpoint)
            await store.write("a.rdb", content(some_bytes(size)), size)
            assert await read(store, "a.rdb") == some_bytes(size)
            with pytest.raises(Refused, match="already"):
                await store.write("b.rdb", overtaken(), size)
            assert await read(store, "b.rdb") == b"theirs"
            assert uploads(bucket) == 0
            await store.aclose()


class TestCutOff:
    async def test_a_source_that_fails(self, store: S3Store, bucket: Any) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield some_bytes(PART + 1)
            raise StoreFailed("the source is gone")

        for pieces, size, words in (
            (broken(), 2 * PART, "the source is gone"),
            (content(some_bytes(PART + 1)), PART + 2, "where it should have"),
            (content(b"12"), 3, "has 2 bytes"),
        ):
            with pytest.raises(StoreFailed, match=words):
                await store.write("a.rdb", pieces, size)
        assert (keys(bucket), uploads(bucket)) == ([], 0)

    async def test_given_up(self, store: S3Store, bucket: Any) -> None:
        began = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield some_bytes(PART + 1)
            began.set()
            await asyncio.Event().wait()

        writing = asyncio.create_task(store.write("a.rdb", endless(), -1))
        await began.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert (keys(bucket), uploads(bucket)) == ([], 0)

    async def test_a_server_that_goes_down_in_the_middle(self) -> None:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        store = store_at(f"http://{host}:{port}", "s3://going/down")
        api = (await store._connected()).once
        await asyncio.to_thread(api.create_bucket, Bucket="going")  # type: ignore[attr-defined]

        async def meanwhile() -> AsyncIterator[bytes]:
            yield some_bytes(PART)
            server.stop()
            yield some_bytes(PART)

        with pytest.raises(StoreFailed, match=r"cannot write a\.rdb in s3://going/down: .* cannot be reached"):
            await store.write("a.rdb", meanwhile(), 2 * PART)
        await store.aclose()

    @pytest.mark.parametrize("size", [3, PART + 3])
    @pytest.mark.parametrize("what", ["hangs up", "is silent"])
    async def test_no_answer_to_what_was_done(self, moto: str, bucket: Any, size: int, what: str) -> None:
        async with harmed(moto, after=last_request, silent=what == "is silent") as endpoint:
            store = store_at(endpoint, timeout=0.5)
            await store.write("a.rdb", content(some_bytes(size)), size)
            assert await read(store, "a.rdb") == some_bytes(size)
            await store.aclose()

    @pytest.mark.parametrize("size", [3, PART + 3])
    async def test_nobody_knows(self, moto: str, bucket: Any, size: int) -> None:
        async with harmed(moto, before=last_request) as endpoint:
            store = store_at(endpoint, timeout=0.5)
            with pytest.raises(OutcomeUnknown, match="hung up in the middle") as caught:
                await store.write("a.rdb", content(some_bytes(size)), size)
            assert "look again" in caught.value.hint
            await store.aclose()

    async def test_a_download_that_breaks_off(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\nETag: x\r\nConnection: close\r\n\r\n"

        def answer(request: Request) -> bytes | None:
            return head + b"x" * 100_000 if len(httpd.requests) == 1 else b""

        async with serving(answer) as httpd, harmed(httpd.url, cut=100_000 + len(head)) as endpoint:
            store = store_at(endpoint)
            with pytest.raises(StoreFailed, match="hung up in the middle"):
                await read(store, "a.rdb")
            await store.aclose()


def last_request(head: bytes) -> bool:
    """Whether it is the one after which the object is seen."""
    put = head.startswith(b"PUT ") and b"partNumber" not in head.split(b"\r\n")[0]
    return put or (head.startswith(b"POST ") and b"uploadId=" in head.split(b"\r\n")[0])


def error(code: str, status: str) -> bytes:
    return page(
        "<?xml version='1.0' encoding='UTF-8'?>" + f"<Error><Code>{code}</Code><Message>no\u202e</Message></Error>",
        status,
        "Connection: close\r\n",
    )


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "status", "words", "hint"),
        [
            ("NoSuchBucket", "404 x", "there is no bucket", "make it"),
            ("AccessDenied", "403 x", "this key may not do that", "s3:PutObject"),
            ("InvalidAccessKeyId", "403 x", "access key is not known", "access_key"),
            ("SignatureDoesNotMatch", "403 x", "secret key does not belong", "secret key"),
            ("RequestTimeTooSkewed", "403 x", "clocks", "timedatectl"),
            ("AuthorizationHeaderMalformed", "400 x", "another region", "region"),
            ("XMinioStorageFull", "507 x", "no space left", "make room"),
            ("Unheard", "418 x", r"Unheard: no\\u202e", ""),
        ],
    )
    async def test_what_a_store_says(self, code: str, status: str, words: str, hint: str) -> None:
        text = error(code, status)
        async with serving(lambda _: text) as httpd:
            store = store_at(httpd.url)
            for attempt in (store.files(), read(store, "a.rdb"), store.write("a.rdb", content(b"1"), 1)):
                with pytest.raises(StoreFailed, match=words) as caught:
                    await attempt
                assert hint in caught.value.hint
                assert SECRET not in repr(caught.value) + str(caught.value.__cause__)
            with pytest.raises(StoreFailed, match=words):
                await store.remove("a.rdb")
            await store.aclose()

    async def test_a_bucket_that_does_not_exist(self, moto: str) -> None:
        store = store_at(moto, "s3://nowhere")
        for attempt in (store.files(), store.write("a.rdb", content(b"1"), 1)):
            with pytest.raises(StoreFailed, match="there is no bucket of that name"):
                await attempt
        await store.aclose()

    async def test_nobody_there(self) -> None:
        store = store_at(f"http://127.0.0.1:{free_port()}")
        with pytest.raises(StoreFailed, match=r"http://127\.0\.0\.1:\d+ cannot be reached"):
            await store.write("a.rdb", content(b"1"), 1)
        await store.aclose()

    async def test_no_answer(self) -> None:
        async with serving(lambda _: None) as httpd:
            store = store_at(httpd.url, timeout=0.1)
            with pytest.raises(StoreFailed, match="did not answer in time"):
                await store.files()
            with pytest.raises(OutcomeUnknown, match="did not answer in time"):
                await store.remove("a.rdb")
            await store.aclose()

    async def test_plain_http_where_tls_is_spoken(self, moto: str) -> None:
        store = store_at(moto.replace("http:", "https:"))
        with pytest.raises(StoreFailed, match=r"TLS with .* failed"):
            await store.files()
        await store.aclose()

    @pytest.mark.parametrize("answer", [b"-ERR unknown command\r\n", page("<html>hello</html>"), page("{}")])
    async def test_something_else(self, answer: bytes) -> None:
        async with serving(lambda _: answer) as httpd:
            store = store_at(httpd.url)
            with pytest.raises(StoreFailed):
                await store.write("a.rdb", content(b"1"), 1)
            await store.aclose()

    async def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] in {"boto3", "botocore"}]:
            monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(StoreFailed, match="S3 needs the package boto3") as caught:
            await store_at("http://127.0.0.1:1").files()
        assert "uv tool install 'dfly-tui[s3]'" in caught.value.hint

    async def test_one_half_of_the_keys(self, moto: str) -> None:
        with pytest.raises(StoreFailed, match="does not say its access_key"):
            await store_at(moto, access_key=None).files()
        with pytest.raises(StoreFailed, match="does not say where its secret key comes from"):
            await store_at(moto, secret_key=None).files()

    async def test_no_credentials_anywhere(self, moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("HOME", "/nonexistent")
        store = store_at(moto, access_key=None, secret_key=None)
        with pytest.raises(StoreFailed, match="there are no credentials"):
            await store.files()
        await store.aclose()


def test_command_lines() -> None:
    store = store_at("https://minio.example:9000")
    assert store.address == "s3://backups/dragonfly"
    assert store.read_text("a b") == (
        "aws --endpoint-url https://minio.example:9000 s3 cp 's3://backups/dragonfly/a b' ."
    )
    assert store_at(None, "s3://backups").remove_text("a") == "aws s3 rm s3://backups/a"


@asynccontextmanager
async def harmed(
    target: str,
    *,
    before: Callable[[bytes], bool] = lambda head: False,
    after: Callable[[bytes], bool] = lambda head: False,
    answer: Callable[[bytes], bytes | None] = lambda head: None,
    silent: bool = False,
    cut: int = 1 << 60,
) -> AsyncIterator[str]:
    """A proxy before a web server; yields its URL. What it harms it harms once.

    Args:
        before, after: Of which requests the connection ends, before or after they were passed on.
        answer: What it answers by itself.
        silent: It does not end but hangs.
        cut: After so many bytes of answers it hangs up.
    """
    host, port = target.removeprefix("http://").split(":")
    tasks: set[asyncio.Task[None]] = set()
    struck = False

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal struck
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            own, kills = answer(head), not struck and (before(head) or after(head))
            struck = struck or kills
            if b"100-continue" in head.lower():
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                head = head.replace(b"100-continue", b"nothing").replace(b"Expect", b"X-Expect")
            if own is not None:
                await reader.readexactly(length_of(head))
                writer.write(own)
                await writer.drain()
            elif not (kills and before(head)):
                theirs, ours = await asyncio.open_connection(host, int(port))
                ours.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
                ours.write(await reader.readexactly(length_of(head)))
                reply = await theirs.read(-1) if cut == 1 << 60 else await theirs.readexactly(cut)
                ours.close()
                if not kills:
                    writer.write(reply)
                    await writer.drain()
            if kills and silent:
                await asyncio.sleep(3600)
        tasks.discard(task)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await passed_on(reader, writer)
        finally:
            writer.transport.abort() if silent else writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks.copy():
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def length_of(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0
