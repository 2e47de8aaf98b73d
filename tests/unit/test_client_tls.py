"""TLS both ways, over real sockets, with throw-away certificates."""

import ssl
from pathlib import Path

import pytest

from dfly_tui.clients.address import Address
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.metrics_http import MetricsHttp
from dfly_tui.clients.tls import out_of_date, tls_context
from dfly_tui.errors import ConfigError, DflyError, Timeout, TlsFailed
from dfly_tui.settings import InstanceConfig
from tests.support.certificates import Certificate, dated_certificate, lock_key, make_certificate
from tests.support.clock import FakeClock
from tests.support.respd import Respd, bulk
from tests.support.secrets import Password

ANSWERS = {"INFO ALL": bulk("# Server\r\ndragonfly_version:df-v1.40.1\r\n"), "ROLE": b"*0\r\n"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("other"), "elsewhere", "elsewhere.example")


def reader_of(config: InstanceConfig, timeout: float = 5.0) -> DragonflyReader:
    return DragonflyReader(config, Password(), clock=FakeClock(), timeout_seconds=timeout)


async def failure(config: InstanceConfig, timeout: float = 5.0) -> DflyError:
    reader = reader_of(config, timeout)
    with pytest.raises(DflyError) as caught:
        await reader.snapshot()
    await reader.aclose()
    return caught.value


async def test_a_trusted_certificate(certificate: Certificate) -> None:
    async with Respd(ANSWERS, context=certificate.server_context()) as server:
        reader = reader_of(InstanceConfig(name="one", url=server.url, ca_file=str(certificate.cert_file)))
        assert (await reader.snapshot()).version == "1.40.1"
        await reader.aclose()


async def test_a_client_certificate(certificate: Certificate) -> None:
    context = certificate.server_context(client_authority=certificate)
    async with Respd(ANSWERS, context=context) as server:
        ca_file, cert_file, key_file = (
            str(certificate.cert_file), str(certificate.cert_file), str(certificate.key_file),
        )  # fmt: skip
        config = InstanceConfig(name="one", url=server.url, ca_file=ca_file, cert_file=cert_file, key_file=key_file)
        reader = reader_of(config)
        assert (await reader.snapshot()).version == "1.40.1"
        await reader.aclose()
        without = await failure(InstanceConfig(name="one", url=server.url, ca_file=ca_file))
    assert isinstance(without, TlsFailed)
    assert "certificate" in without.hint


async def test_a_certificate_nobody_vouches_for(certificate: Certificate) -> None:
    async with Respd(ANSWERS, context=certificate.server_context()) as server:
        error = await failure(InstanceConfig(name="one", url=server.url))
    assert isinstance(error, TlsFailed)
    assert "not trusted" in error.detail
    assert "ca_file" in error.hint


async def test_a_certificate_of_another_host(stranger: Certificate) -> None:
    async with Respd(ANSWERS, context=stranger.server_context()) as server:
        error = await failure(InstanceConfig(name="one", url=server.url, ca_file=str(stranger.cert_file)))
    assert isinstance(error, TlsFailed)
    assert "not trusted" in error.detail


async def test_tls_against_a_plain_port_that_answers(certificate: Certificate) -> None:
    async with Respd(greeting=b"-ERR Protocol error\r\n", speaks=False) as server:
        url = server.url.replace("redis://", "rediss://")
        error = await failure(InstanceConfig(name="one", url=url, ca_file=str(certificate.cert_file)))
    assert isinstance(error, TlsFailed)
    assert "redis://" in error.hint


async def test_tls_against_a_plain_port_that_is_silent(certificate: Certificate) -> None:
    async with Respd(speaks=False) as server:
        url = server.url.replace("redis://", "rediss://")
        error = await failure(InstanceConfig(name="one", url=url, ca_file=str(certificate.cert_file)), timeout=0.2)
    assert isinstance(error, Timeout)
    assert "redis://" in error.hint


async def test_plain_against_a_tls_port(certificate: Certificate) -> None:
    async with Respd(ANSWERS, context=certificate.server_context()) as server:
        error = await failure(InstanceConfig(name="one", url=server.url.replace("rediss://", "redis://")))
    assert "closed the connection" in error.detail or "rediss://" in error.hint


@pytest.mark.parametrize(
    ("ca", "cert", "key", "words"),
    [
        ("gone.pem", None, None, ["ca_file", "gone.pem"]),
        ("text.pem", None, None, ["ca_file"]),
        (None, "gone.pem", "server.key", ["cert_file", "gone.pem"]),
        (None, "text.pem", "server.key", ["cert_file"]),
        (None, "server.crt", "other.key", ["cert_file or key_file"]),
        (None, "server.crt", "locked.key", ["key_file", "pass phrase"]),
    ],
)
def test_files_that_are_wrong(
    certificate: Certificate, tmp_path: Path, ca: str | None, cert: str | None, key: str | None, words: list[str]
) -> None:
    folder = certificate.cert_file.parent
    (folder / "text.pem").write_text("not a certificate")
    if not (folder / "other.key").exists():
        make_certificate(folder, "other")
        lock_key(certificate.key_file, folder / "locked.key")

    def place(name: str | None) -> str | None:
        return str(folder / name) if name else None

    config = InstanceConfig(name="one", url="rediss://h", ca_file=place(ca), cert_file=place(cert), key_file=place(key))
    with pytest.raises(ConfigError) as caught:
        tls_context(config)
    for word in words:
        assert word in str(caught.value)


PAST = ("20200101000000Z", "20200201000000Z")
NOW = ("20200101000000Z", "20900101000000Z")
FUTURE = ("20900101000000Z", "20910101000000Z")


@pytest.mark.parametrize(
    ("signer", "leaf", "said", "hint"),
    [
        (None, PAST, "the certificate of {place} expired on 2020-02-01", "renew it"),
        (NOW, PAST, "the certificate of {place} expired on 2020-02-01", "renew it"),
        (PAST, NOW, "the certificate of the authority that signed that of {place} expired on 2020-02-01", "ca_file"),
        (None, FUTURE, "the certificate of {place} is not valid before 2090-01-01", "clock"),
        (FUTURE, NOW, "the certificate of the authority that signed that of {place} is not valid before 2090-01-01",
         "clock"),
    ],
    ids=["expired", "expired, authority not", "authority expired", "not yet valid", "authority not yet valid"],
)  # fmt: skip
async def test_a_certificate_out_of_its_time(
    tmp_path: Path, signer: tuple[str, str] | None, leaf: tuple[str, str], said: str, hint: str
) -> None:
    authority = dated_certificate(tmp_path / "authority", *signer) if signer else None
    certificate = dated_certificate(tmp_path / "server", *leaf, authority=authority)
    ca_file = str((authority or certificate).cert_file)
    async with Respd(ANSWERS, context=certificate.server_context()) as server:
        config = InstanceConfig(name="one", url=server.url, ca_file=ca_file)
        place = server.url.removeprefix("rediss://")
        page = MetricsHttp(config, Password("hush"), clock=FakeClock(), timeout_seconds=5.0)
        reader = reader_of(config)
        for look in (reader.snapshot, page.page):
            with pytest.raises(TlsFailed) as caught:
                await look()
            assert caught.value.detail == said.format(place=place)
            assert hint in caught.value.hint
            assert "redis://" not in caught.value.hint, "the port does speak TLS"
        await reader.aclose()
        await page.aclose()
    assert server.received == [], "nothing is said to a server that is not trusted"


async def test_a_certificate_whose_date_cannot_be_had_is_still_said_to_be_expired(tmp_path: Path) -> None:
    certificate = dated_certificate(tmp_path, *PAST)
    context = certificate.server_context(client_authority=certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # it shows its certificate again only to whoever has one
    async with Respd(ANSWERS, context=context) as server:
        error = await failure(InstanceConfig(name="one", url=server.url, ca_file=str(certificate.cert_file)))
    assert isinstance(error, TlsFailed)
    assert "has expired" in error.detail
    assert "renew it" in error.hint


async def test_without_a_list_of_authorities_no_date_can_be_had() -> None:
    """Where the system's authorities are a folder, OpenSSL does not list them."""
    refused = ssl.SSLCertVerificationError(1, "certificate has expired")
    refused.verify_code = 10
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert await out_of_date(refused, bare, Address("127.0.0.1", 1, tls=True)) is None


async def test_a_certificate_for_another_host(stranger: Certificate) -> None:
    async with Respd(ANSWERS, context=stranger.server_context()) as server:
        error = await failure(InstanceConfig(name="one", url=server.url, ca_file=str(stranger.cert_file)))
    assert isinstance(error, TlsFailed)
    assert "is not valid for '127.0.0.1'" in error.detail
    assert "the host in the URL must be one the certificate names" in error.hint
