"""Throw-away certificates for tests of TLS."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1; it is its own authority."""

    cert_file: Path
    key_file: Path

    def server_context(self, *, client_authority: "Certificate | None" = None) -> ssl.SSLContext:
        """For a server; with an authority it wants a client certificate signed by that."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.cert_file, self.key_file)
        if client_authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_authority.cert_file)
        return context


def make_certificate(folder: Path, name: str = "server", host: str = "127.0.0.1") -> Certificate:
    """Make one with the openssl program."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl program is not installed")
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    kind = "IP" if host[0].isdigit() else "DNS"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName={kind}:{host}", "-out", str(made.cert_file), "-keyout", str(made.key_file)],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


def lock_key(key_file: Path, locked: Path) -> None:
    """Put a pass phrase on a key."""
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:hush", "-in", str(key_file), "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
