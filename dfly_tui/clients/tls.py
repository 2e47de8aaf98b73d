"""TLS for the Redis port and for HTTP, from the same three files."""

import ssl
from pathlib import Path

from dfly_tui.errors import ConfigError
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe


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
