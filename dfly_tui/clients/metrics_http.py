"""Reads the Prometheus page that Dragonfly serves on its main or admin port. Asks for `/metrics`, never for more."""

import asyncio
import re
import ssl
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dfly_tui.clients.address import Address
from dfly_tui.clients.names import find_host
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.tls import out_of_date, tls_context
from dfly_tui.clients.translate import translate
from dfly_tui.clock import Clock
from dfly_tui.errors import AuthFailed, DflyError, NoMetrics, Timeout
from dfly_tui.models.metrics import MetricsPage, Sample
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe
from dfly_tui.units import duration_text

if TYPE_CHECKING:
    import httpx

_PATH = "/metrics"
_MAX_BYTES = 2 << 20
"""A busy Dragonfly's page has some 100 kB; ten times that costs half a second to parse."""
_THREAD_ABOVE_BYTES = 32 * 1024
_USER = "default"
"""Dragonfly's HTTP knows one user, whatever the ACLs say (facts §4)."""

_TYPE = re.compile(r"^# TYPE (\S+) (\w+)", re.MULTILINE)
_WHERE_HINT = (
    "Dragonfly serves it on its main port unless --primary_port_http_enabled=false; "
    "set http_url, perhaps to the admin port"
)


class MetricsHttp:
    """Reads the /metrics page of one instance.

    Args:
        config: Its `http_url`, with or without `/metrics`; by default the host and port of `url`.
        password: Sent, as user `default`, only after a 401; `/metrics` of a Dragonfly is always open.
    """

    def __init__(
        self, config: InstanceConfig, password: PasswordProvider, *, clock: Clock, timeout_seconds: float
    ) -> None:
        self.url = _metrics_url(config)
        self._config = config
        self._address = _address_of(self.url)
        self._password = password
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._client: httpx.AsyncClient | None = None
        self._locked = False

    async def page(self) -> MetricsPage:
        """One scrape, within `timeout_seconds`. Raises only `DflyError`s."""
        status, body = await self._get(await self._password.get() if self._locked else None)
        if status == 401 and not self._locked:
            secret = await self._password.get()
            if secret is not None:
                self._locked = True
                status, body = await self._get(secret)
        self._check_status(status)
        page = body.decode("utf-8", "backslashreplace")
        if len(body) > _THREAD_ABOVE_BYTES:
            samples = await asyncio.to_thread(parse_samples, page)
        else:
            samples = parse_samples(page)
        if not samples:
            start = safe(page.lstrip().split("\n")[0], limit=60)
            raise NoMetrics(f"{safe(self.url)} is not a Prometheus page: it begins “{start}”", _WHERE_HINT)
        return MetricsPage(taken_at=self._clock.now(), samples=samples)

    async def aclose(self) -> None:
        """Close the connection; a later call opens it again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _get(self, secret: str | None) -> tuple[int, bytes]:
        import httpx

        client = self._client = self._client or self._new_client()
        who = (_USER, secret) if secret is not None else None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await find_host(self._address.host)
                return await self._download(client.stream("GET", self.url, auth=who))
        except (TimeoutError, httpx.TimeoutException):
            waited = duration_text(self._timeout_seconds)
            raise Timeout(
                f"{safe(self.url)} did not answer within {waited}", "it may be frozen or overloaded"
            ) from None
        except OSError as error:
            raise translate(error, self._address) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            dated = await out_of_date(error, tls_context(self._config), self._address) if self._address.tls else None
            raise dated or self._translated(error) from error

    async def _download(self, request: AbstractAsyncContextManager["httpx.Response"]) -> tuple[int, bytes]:
        body = bytearray()
        async with request as response:
            # Raw: compression was not asked for, and a few kB can be unpacked to gigabytes.
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise NoMetrics(f"{safe(self.url)} sends more than {_MAX_BYTES >> 20} MiB", _WHERE_HINT)
            return response.status_code, bytes(body)

    def _translated(self, error: Exception) -> DflyError:
        import httpx

        if isinstance(error, httpx.ConnectError):
            return translate(error, self._address)
        if isinstance(error, httpx.ProtocolError | httpx.DecodingError | httpx.InvalidURL | httpx.UnsupportedProtocol):
            return NoMetrics(
                f"{safe(str(self._address))} does not speak HTTP: {safe(str(error), limit=120)}", _WHERE_HINT
            )
        return NoMetrics(f"{safe(str(self._address))} closed the connection instead of answering HTTP", _WHERE_HINT)

    def _new_client(self) -> "httpx.AsyncClient":
        import httpx

        # For plain HTTP an empty context: loading the system's authorities would cost more than the scrape.
        context = tls_context(self._config) if self._address.tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.AsyncClient(
            headers={"Accept-Encoding": "identity"},
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout_seconds,
        )

    def _check_status(self, status: int) -> None:
        where = safe(self.url)
        if status == 200:
            return
        if status == 401:
            if self._locked:
                self._password.forget()
                hint = "HTTP keeps the password the server was started with, even after a rotation; user “default”"
                raise AuthFailed(f"{where} refused the password", hint)
            raise AuthFailed(f"{where} wants a password", "this is not a Dragonfly's own page, or a proxy guards it")
        if status == 404:
            raise NoMetrics(f"{where} does not exist (404)", _WHERE_HINT)
        hint = "set http_url to the address it leads to" if 300 <= status < 400 else _WHERE_HINT
        raise NoMetrics(f"{where} answered with HTTP status {status}", hint)


def parse_samples(page: str) -> tuple[Sample, ...]:
    """Every sample of a Prometheus text page under the name that is printed.

    prometheus_client renames counters (it appends `_total`), so it gets the lines without their types, and the types
    are read here. A line that it cannot read, as Dragonfly does not escape label values, costs that line alone.
    """
    kinds = dict(_TYPE.findall(page))
    lines = [line for line in page.splitlines() if line.strip() and not line.startswith("#")]
    try:
        return tuple(_samples("\n".join(lines), kinds))
    except ValueError:
        return tuple(sample for line in lines for sample in _readable(line, kinds))


def _readable(line: str, kinds: dict[str, str]) -> list[Sample]:
    try:
        return list(_samples(line, kinds))
    except ValueError:
        return []


def _samples(text: str, kinds: dict[str, str]) -> Iterator[Sample]:
    from prometheus_client.parser import text_string_to_metric_families

    for family in text_string_to_metric_families(text + "\n"):
        for sample in family.samples:
            yield Sample(
                name=safe(sample.name),
                labels=tuple((safe(key), safe(value)) for key, value in sample.labels.items()),
                value=sample.value,
                kind=_kind(sample.name, kinds),
            )


def _kind(name: str, kinds: dict[str, str]) -> str:
    kind = kinds.get(name) or kinds.get(re.sub("_(sum|count|bucket)$", "", name))
    if kind is None and name.startswith("dragonfly_commands_"):
        # v1.22 declares dragonfly_commands and prints commands_total and commands_duration_seconds (facts §5.1).
        kind = kinds.get("dragonfly_commands")
    return kind or "unknown"


def _metrics_url(config: InstanceConfig) -> str:
    if config.http_url is None:
        return Address.parse(config.url).http_url + _PATH
    parts = urlsplit(config.http_url)
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(_PATH) else path + _PATH, query="", fragment="").geturl()


def _address_of(url: str) -> Address:
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return Address(parts.hostname or "", parts.port or (443 if tls else 80), tls=tls)
