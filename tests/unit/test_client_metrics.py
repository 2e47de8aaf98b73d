"""The /metrics page over HTTP: the recorded pages of both versions, and everything that is not one."""

import asyncio
import gzip
from pathlib import Path

import pytest

from dfly_tui.clients.metric_names import numbers
from dfly_tui.clients.metrics_http import MetricsHttp, parse_samples
from dfly_tui.errors import AuthFailed, DflyError, NoMetrics, Timeout, Unreachable
from dfly_tui.models.metrics import MetricsPage
from dfly_tui.settings import InstanceConfig
from tests.support.certificates import make_certificate
from tests.support.clock import START, FakeClock
from tests.support.golden import VERSIONS, metrics_pages
from tests.support.hostile import harmless
from tests.support.httpd import Request, page, serving
from tests.support.secrets import Password
from tests.support.servers import free_port

PAGE = '# HELP dragonfly_master \n# TYPE dragonfly_master gauge\ndragonfly_master 1\ndragonfly_db_keys{db="db0"} 7\n'


def metrics_of(url: str, password: Password | str | None = None, *, timeout: float = 5.0) -> MetricsHttp:
    source = password if isinstance(password, Password) else Password(password)
    config = InstanceConfig(name="one", url="redis://unused.invalid", http_url=url)
    return MetricsHttp(config, source, clock=FakeClock(), timeout_seconds=timeout)


async def failure(metrics: MetricsHttp) -> DflyError:
    with pytest.raises(DflyError) as caught:
        await metrics.page()
    await metrics.aclose()
    return caught.value


class TestPage:
    async def test_one_scrape(self) -> None:
        async with serving(lambda _: page(PAGE)) as httpd:
            metrics = metrics_of(httpd.url)
            seen = await metrics.page()
            await metrics.aclose()
        assert seen.taken_at == START
        assert [(sample.series, sample.value, sample.kind) for sample in seen.samples] == [
            ("dragonfly_master", 1.0, "gauge"),
            ('dragonfly_db_keys{db="db0"}', 7.0, "unknown"),
        ]

    @pytest.mark.parametrize("suffix", ["", "/", "/metrics", "/metrics/"])
    async def test_only_metrics_is_ever_asked_for(self, suffix: str) -> None:
        async with serving(lambda _: page(PAGE)) as httpd:
            metrics = metrics_of(httpd.url + suffix)
            await metrics.page()
            await metrics.page()
            await metrics.aclose()
        assert [request.path for request in httpd.requests] == ["/metrics", "/metrics"]

    async def test_behind_a_path(self) -> None:
        async with serving(lambda _: page(PAGE)) as httpd:
            metrics = metrics_of(httpd.url + "/dragonfly")
            await metrics.page()
            await metrics.aclose()
        assert httpd.requests[0].path == "/dragonfly/metrics"

    async def test_without_http_url_it_is_the_redis_port(self) -> None:
        async with serving(lambda _: page(PAGE)) as httpd:
            config = InstanceConfig(name="one", url=f"redis://127.0.0.1:{httpd.port}/3")
            metrics = MetricsHttp(config, Password(), clock=FakeClock(), timeout_seconds=5)
            assert len((await metrics.page()).samples) == 2
            await metrics.aclose()

    async def test_a_tls_port_is_asked_by_https(self, tmp_path: Path) -> None:
        certificate = make_certificate(tmp_path)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(page(PAGE))

        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=certificate.server_context())
        port = server.sockets[0].getsockname()[1]
        config = InstanceConfig(name="one", url=f"rediss://127.0.0.1:{port}", ca_file=str(certificate.cert_file))
        metrics = MetricsHttp(config, Password(), clock=FakeClock(), timeout_seconds=5)
        assert len((await metrics.page()).samples) == 2
        await metrics.aclose()
        server.close()
        await server.wait_closed()

    async def test_the_environments_proxy_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with serving(lambda _: page(PAGE)) as httpd:
            metrics = metrics_of(httpd.url)
            await metrics.page()
            await metrics.aclose()
        assert len(httpd.requests) == 1


class TestPassword:
    @staticmethod
    def locked(request: Request) -> bytes:
        if request.credentials == "default:s3cret":
            return page(PAGE)
        return page("Please authorize!\r\n", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"\r\n')

    async def test_it_is_not_sent_to_a_page_that_is_open(self) -> None:
        password = Password("s3cret")
        async with serving(lambda _: page(PAGE)) as httpd:
            metrics = metrics_of(httpd.url, password)
            await metrics.page()
            await metrics.aclose()
        assert [request.credentials for request in httpd.requests] == [None]
        assert password.asked == 0

    async def test_it_is_sent_after_a_401_and_from_then_on(self) -> None:
        async with serving(self.locked) as httpd:
            metrics = metrics_of(httpd.url, "s3cret")
            await metrics.page()
            await metrics.page()
            await metrics.aclose()
        assert [request.credentials for request in httpd.requests] == [None, "default:s3cret", "default:s3cret"]

    async def test_a_wrong_one(self) -> None:
        password = Password("wrong")
        async with serving(self.locked) as httpd:
            error = await failure(metrics_of(httpd.url, password))
        assert isinstance(error, AuthFailed)
        assert password.forgotten == 1
        assert "wrong" not in str(error)

    async def test_none_where_one_is_wanted(self) -> None:
        async with serving(self.locked) as httpd:
            error = await failure(metrics_of(httpd.url))
        assert isinstance(error, AuthFailed)
        assert len(httpd.requests) == 1


class TestNotThePage:
    @pytest.mark.parametrize(
        ("answer", "kind", "detail"),
        [
            (page("nope", "404 Not Found"), NoMetrics, "does not exist (404)"),
            (page("oops", "500 Internal Server Error"), NoMetrics, "500"),
            (page("", "302 Found", "Location: http://elsewhere.invalid/\r\n"), NoMetrics, "302"),
            (page("<!doctype html><title>router</title>"), NoMetrics, "<!doctype html>"),
            (page(""), NoMetrics, "not a Prometheus page"),
            (page("\x00\x1b[2J\x1b]0;title\x07"), NoMetrics, "\\x1b[2J"),
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", NoMetrics, "does not speak HTTP"),
            (b"", NoMetrics, "127.0.0.1"),
        ],
    )
    async def test_other_answers(self, answer: bytes, kind: type[DflyError], detail: str) -> None:
        async with serving(lambda _: answer) as httpd:
            error = await failure(metrics_of(httpd.url))
        assert type(error) is kind
        assert "Not a Dragonfly" not in str(error), "its Redis port may be one all the same"
        assert detail in error.detail
        assert harmless(str(error))
        assert error.hint

    async def test_nobody_listens(self) -> None:
        error = await failure(metrics_of(f"http://127.0.0.1:{free_port()}"))
        assert isinstance(error, Unreachable)
        assert "refused" in error.detail

    async def test_an_unknown_host(self) -> None:
        error = await failure(metrics_of("http://no-such-host.invalid:6379"))
        assert isinstance(error, Unreachable)
        assert "no-such-host.invalid is not known" in error.detail

    async def test_no_answer_in_time(self) -> None:
        async with serving(lambda _: None) as httpd:
            error = await failure(metrics_of(httpd.url, timeout=0.1))
        assert isinstance(error, Timeout)

    async def test_it_recovers(self) -> None:
        answers = [b"", page("x", "500 Oops"), page(PAGE)]
        async with serving(lambda _: answers.pop(0)) as httpd:
            metrics = metrics_of(httpd.url)
            for _ in range(2):
                with pytest.raises(NoMetrics):
                    await metrics.page()
            assert (await metrics.page()).samples
            await metrics.aclose()

    async def test_an_endless_page(self) -> None:
        async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            try:
                while True:
                    writer.write(b"# nothing\n" * 100_000)
                    await writer.drain()
            except OSError:
                writer.close()

        server = await asyncio.start_server(endless, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        error = await failure(metrics_of(f"http://127.0.0.1:{port}", timeout=10))
        server.close()
        await server.wait_closed()
        assert isinstance(error, NoMetrics)
        assert "2 MiB" in error.detail


@pytest.mark.parametrize("version", VERSIONS)
class TestRecordedPages:
    def test_every_line_is_there_once_as_printed(self, version: str) -> None:
        pages = metrics_pages(version)
        assert len(pages) == 21
        for text in pages:
            printed = [line for line in text.splitlines() if line and not line.startswith("#")]
            samples = parse_samples(text)
            assert [sample.series.replace('"', "") for sample in samples] == [
                line.rpartition(" ")[0].replace('"', "").replace(", ", ",") for line in printed
            ]
            assert [sample.value for sample in samples] == [float(line.rpartition(" ")[2]) for line in printed]
            assert {sample.kind for sample in samples} <= {"counter", "gauge", "summary"}
            assert len({sample.series for sample in samples}) == len(samples)

    def test_our_numbers(self, version: str) -> None:
        """A page and the same server's own words for the same things."""
        text = max(metrics_pages(version), key=len)
        found = numbers(MetricsPage(taken_at=START, samples=parse_samples(text)))
        assert found["max_clients"] == 64000
        assert found["max_memory_bytes"] == 1 << 30
        assert found["keys"] == 254
        assert found["expiring_keys"] == 101
        assert found["hits_total"] == 1
        assert found["commands_total"] in (2486, 2487)
        assert found["expired_total"] == 1
        assert found["evicted_total"] == 0
        assert found["connected_clients"] in (1, 3)
        assert found["dispatch_queue_bytes"] == 0
        assert found["lua_memory_bytes"] == 0

    def test_every_other_name_is_printed_by_some_page_or_absent_by_design(self, version: str) -> None:
        pages = [numbers(MetricsPage(taken_at=START, samples=parse_samples(text))) for text in metrics_pages(version)]
        never = {name for name in pages[0] if all(found[name] is None for found in pages)}
        assert never <= {
            "lag_records", "replica_reconnects_total", "pipeline_queue_bytes", "replication_streaming_bytes",
            "replication_full_sync_bytes",
        }  # fmt: skip


def sampled(text: str) -> dict[str, float | None]:
    return numbers(MetricsPage(taken_at=START, samples=parse_samples(text)))


def test_counts_per_database_are_not_counted_twice() -> None:
    text = 'dragonfly_keyspace_hits_total 10\ndragonfly_keyspace_hits_total{db="db0"} 7\n'
    assert sampled(text + 'dragonfly_keyspace_hits_total{db="db1"} 3\n')["hits_total"] == 10


def test_labelled_clients_are_added_up() -> None:
    text = 'dragonfly_connected_clients{listener="main"} 5\ndragonfly_connected_clients{listener="other"} 2\n'
    assert sampled(text)["connected_clients"] == 7


def test_the_worst_replica_in_stable_sync_is_the_lag() -> None:
    line = (
        'dragonfly_connected_replica_lag_records{{replica_ip="10.0.0.{0}", replica_port="1", replica_state="{1}"}} {2}'
    )
    text = "\n".join(line.format(*seen) for seen in ((1, "online", 5), (2, "online", 90), (3, "full_sync", 0)))
    assert sampled(text)["lag_records"] == 90
    assert sampled(text.replace("online", "stable_sync"))["lag_records"] == 90
    assert sampled(text.replace("online", "full_sync"))["lag_records"] is None


def test_what_is_not_printed_is_not_known() -> None:
    found = sampled("dragonfly_master 1\n")
    assert found["keys"] is None
    assert found["expired_total"] == 0


def test_a_line_that_cannot_be_read_costs_only_itself() -> None:
    text = 'dragonfly_a 1\ndragonfly_connections_libs{lib="evil"quote, x="} 3\ndragonfly_b 2\nrubbish\n'
    assert [(sample.name, sample.value) for sample in parse_samples(text)] == [("dragonfly_a", 1), ("dragonfly_b", 2)]


def test_labels_cannot_harm_a_terminal() -> None:
    (sample,) = parse_samples('dragonfly_connections_libs{lib="\x1b]0;x\x07\u202e"} 3\n')
    assert harmless(sample.series)


async def test_compression_is_neither_asked_for_nor_undone() -> None:
    """A few kB can be unpacked to gigabytes."""
    bomb = gzip.compress(b"dragonfly_a 1\n" * 1_000_000)
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(page(bomb, headers="Content-Encoding: gzip\r\n"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    error = await failure(metrics_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    server.close()
    await server.wait_closed()
    assert "accept-encoding: identity" in asked[0]
    assert isinstance(error, NoMetrics)
    assert "is not a Prometheus page" in error.detail
