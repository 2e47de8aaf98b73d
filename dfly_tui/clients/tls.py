"""TLS for the Redis port and for HTTP, from the same three files."""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dfly_tui.clients.address import Address
from dfly_tui.clients.translate import root
from dfly_tui.clock import SystemClock
from dfly_tui.errors import ConfigError, TlsFailed
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe

_NOT_YET_VALID, _EXPIRED = 9, 10
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""
_NO_CHECK_TIME = 0x200000
"""Its X509_V_FLAG_NO_CHECK_TIME."""
_LOOK_SECONDS = 1.0


def tls_context(config: InstanceConfig) -> ssl.SSLContext:
    """What to trust and what to show: `ca_file` (else the system's authorities), `cert_file` with `key_file`.

    Raises:
        ConfigError: A file is missing or is not what it should be; the message names key and file.
    """
    for key, name in (("ca_file", config.ca_file), ("cert_file", config.cert_file), ("key_file", config.key_file)):
        if name is not None and not Path(name).expanduser().is_file():
            raise ConfigError(f"{key} of {safe(config.name)}: there is no file {safe(name)}")
    context = _trusting(config)
    if config.cert_file is not None and config.key_file is not None:
        _show(context, config, Path(config.cert_file).expanduser(), Path(config.key_file).expanduser())
    return context


def _trusting(config: InstanceConfig) -> ssl.SSLContext:
    if config.ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(Path(config.ca_file).expanduser()))
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"ca_file of {safe(config.name)}: {safe(config.ca_file)}: {safe(error.strerror or str(error))}",
            "it must hold certificates in PEM form",
        ) from None


def _show(context: ssl.SSLContext, config: InstanceConfig, cert_file: Path, key_file: Path) -> None:
    """Present our own certificate to servers that ask for one."""

    def no_pass_phrase() -> bytes:
        raise ConfigError(f"key_file of {safe(config.name)} has a pass phrase", "use a key without one, mode 0600")

    try:
        context.load_cert_chain(cert_file, key_file, password=no_pass_phrase)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"cert_file or key_file of {safe(config.name)}: {safe(error.strerror or str(error))}",
            "cert_file and key_file must be PEM files that belong together",
        ) from None


async def out_of_date(error: Exception, context: ssl.SSLContext, address: Address) -> TlsFailed | None:
    """Which certificate is out of its time, and since or until when, if that is what `error` is about.

    OpenSSL does not hand out what it refused. So this shakes hands once more without looking at dates, says nothing,
    and hangs up.
    """
    refused = root(error)
    if not isinstance(refused, ssl.SSLCertVerificationError) or refused.verify_code not in (_NOT_YET_VALID, _EXPIRED):
        return None
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            certificate = await _shown(context, address)
    except (OSError, ValueError):  # not answered in time, or no authority is listed
        return None
    now = SystemClock().now()  # as OpenSSL did
    whose = f"the certificate of {safe(str(address))}"
    if _in_time(certificate, now):
        whose = f"the certificate of the authority that signed that of {safe(str(address))}"
        known = (each for each in context.get_ca_certs() if each["subject"] == certificate["issuer"])
        certificate = next((each for each in known if not _in_time(each, now)), {})
    clock = f"this machine's clock is wrong: it says {now:%Y-%m-%d}"
    if refused.verify_code == _NOT_YET_VALID:
        what = f"is not valid before {_day(certificate, 'notBefore')}" if certificate else "is not yet valid"
        return TlsFailed(f"{whose} {what}", f"wait, or {clock}")
    what = f"expired on {_day(certificate, 'notAfter')}" if certificate else "has expired"
    return TlsFailed(f"{whose} {what}", f"renew it, on the server and in ca_file; or {clock}")


async def _shown(context: ssl.SSLContext, address: Address) -> Mapping[str, Any]:
    """The server's certificate, trusted but for its dates."""
    lenient = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lenient.verify_flags |= _NO_CHECK_TIME
    lenient.load_verify_locations(cadata=b"".join(context.get_ca_certs(binary_form=True)))
    _, writer = await asyncio.open_connection(address.host, address.port, ssl=lenient)
    try:
        return dict(writer.get_extra_info("peercert"))
    finally:
        writer.transport.abort()


def _in_time(certificate: Mapping[str, Any], now: datetime) -> bool:
    begins, ends = (ssl.cert_time_to_seconds(certificate[key]) for key in ("notBefore", "notAfter"))
    return begins <= now.timestamp() <= ends


def _day(certificate: Mapping[str, Any], key: str) -> str:
    return f"{datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate[key]), UTC):%Y-%m-%d}"
