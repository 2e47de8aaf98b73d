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


def dated_certificate(folder: Path, begins: str, ends: str, *, authority: Certificate | None = None) -> Certificate:
    """One for 127.0.0.1 that is valid between two times of the form `20200101000000Z`.

    It is its own authority unless one is given.
    """
    folder.mkdir(exist_ok=True)
    made = make_certificate(folder, "dated")
    signer = authority or made
    by = ["-cert", str(authority.cert_file)] if authority else ["-selfsign"]
    uses = "keyUsage=critical,keyCertSign,digitalSignature" if authority is None else "keyUsage=digitalSignature"
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")
    config, request = folder / "ca.conf", folder / "dated.csr"
    config.write_text(
        f"[ca]\ndefault_ca=here\n[here]\ndatabase={folder}/index.txt\nserial={folder}/serial\n"
        f"new_certs_dir={folder}\n"
        "default_md=sha256\npolicy=any\nx509_extensions=names\n[any]\ncommonName=supplied\n"
        f"[names]\nsubjectAltName=IP:127.0.0.1\n{uses}\n"
        f"basicConstraints=critical,CA:{'FALSE' if authority else 'TRUE'}\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\n"
    )
    commands = [
        ["req", "-new", "-key", str(made.key_file), "-subj", f"/CN={folder.name}", "-out", str(request)],
        ["ca", "-batch", "-notext", *by, "-config", str(config), "-keyfile", str(signer.key_file),
         "-startdate", begins, "-enddate", ends, "-in", str(request), "-out", str(made.cert_file)],
    ]  # fmt: skip
    for command in commands:
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return made


def lock_key(key_file: Path, locked: Path) -> None:
    """Put a pass phrase on a key."""
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:hush", "-in", str(key_file), "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
