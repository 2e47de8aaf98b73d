"""Encrypting and decrypting through age and gpg, both as they really are."""

import asyncio
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

import pytest

from dfly_tui.clients.crypt import Coder, decryptor, encryptor
from dfly_tui.errors import StoreFailed
from dfly_tui.models.snapshots import Encryption
from tests.support.eventually import eventually
from tests.support.servers import missing
from tests.support.stores import content, some_bytes

AGE, GPG = Encryption.AGE, Encryption.GPG
BOTH = pytest.mark.parametrize("how", [AGE, GPG])


class Keys(NamedTuple):
    """Keys of both programs, two each; of gpg's the second is locked by a passphrase."""

    folder: Path
    environ: Mapping[str, str]
    age: tuple[str, str]

    def recipient(self, how: Encryption) -> str:
        return self.age[0] if how is AGE else "ada@example.com"

    @property
    def identity(self) -> Path:
        return self.folder / "identity0"


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    for program in ("age", "gpg"):
        if shutil.which(program) is None:
            missing(f"{program} is not installed", "DFLY_REQUIRE_CRYPT")
    # Not pytest's own folder: the name of the agent's socket has to be short.
    with tempfile.TemporaryDirectory(prefix="dfly-") as name:
        folder = Path(name)
        (folder / "gpg").mkdir(mode=0o700)
        environ = {"PATH": os.environ["PATH"], "GNUPGHOME": str(folder / "gpg")}
        public = []
        for number in (0, 1):
            path = folder / f"identity{number}"
            subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
            public.append(subprocess.run(["age-keygen", "-y", path], check=True, capture_output=True).stdout.decode())
        for who, passphrase in (("ada@example.com", ""), ("locked@example.com", "secret")):
            words = [
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                passphrase,
                "--quick-gen-key",
                who,
                "future-default",
            ]
            subprocess.run(["gpg", "--batch", *words, "default", "never"], env=environ, check=True, capture_output=True)
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=environ, check=True)  # it remembers the passphrase
        yield Keys(folder, environ, (public[0].strip(), public[1].strip()))
        subprocess.run(["gpgconf", "--kill", "all"], env=environ, check=True)


async def coded(coder: Coder, *pieces: bytes) -> bytes:
    return b"".join([piece async for piece in coder(content(*pieces))])


def coders(how: Encryption, keys: Keys) -> tuple[Coder, Coder]:
    identity = keys.identity if how is AGE else None
    return encryptor(how, [keys.recipient(how)], keys.environ), decryptor(how, identity, keys.environ)


@BOTH
@pytest.mark.parametrize("size", [0, 1, 3_000_001])
async def test_there_and_back(how: Encryption, keys: Keys, size: int) -> None:
    data = some_bytes(size)
    encrypt, decrypt = coders(how, keys)
    hidden = await coded(encrypt, data[:7], data[7:])
    assert size < 100 or data[:100] not in hidden
    assert await coded(decrypt, hidden) == data


@BOTH
async def test_what_the_programs_write_and_read_by_hand(how: Encryption, keys: Keys, tmp_path: Path) -> None:
    encrypt, _ = coders(how, keys)
    (tmp_path / "a").write_bytes(await coded(encrypt, b"content"))
    words = {AGE: ["age", "-d", "-i", str(keys.identity)], GPG: ["gpg", "--batch", "-q", "-d"]}[how]
    done = subprocess.run([*words, str(tmp_path / "a")], env=dict(keys.environ), check=True, capture_output=True)  # noqa: ASYNC221
    assert done.stdout == b"content"


async def test_each_of_many_recipients_can_read_it(keys: Keys) -> None:
    hidden = await coded(encryptor(AGE, keys.age, keys.environ), b"content")
    for number in (0, 1):
        assert await coded(decryptor(AGE, keys.folder / f"identity{number}", keys.environ), hidden) == b"content"


@BOTH
async def test_damage_is_an_error_whatever_was_yielded_before(how: Encryption, keys: Keys) -> None:
    data = some_bytes(2_000_000)
    encrypt, decrypt = coders(how, keys)
    hidden = await coded(encrypt, data)
    middle = len(hidden) // 2
    for broken in (hidden[:middle], hidden[:middle] + bytes(3) + hidden[middle + 3 :]):
        with pytest.raises(StoreFailed, match=f"cannot decrypt with {how}: it was damaged, or is not whole"):
            await coded(decrypt, broken)


@BOTH
@pytest.mark.parametrize("data", [b"", b"REDIS0011 hello", some_bytes(100_000)])
async def test_what_is_not_encrypted(how: Encryption, keys: Keys, data: bytes) -> None:
    _, decrypt = coders(how, keys)
    with pytest.raises(StoreFailed, match="it is not encrypted, or not by this program"):
        await coded(decrypt, data)


class TestKeys:
    async def test_another_identity(self, keys: Keys) -> None:
        hidden = await coded(coders(AGE, keys)[0], b"content")
        with pytest.raises(StoreFailed, match="none of those it was encrypted for") as caught:
            await coded(decryptor(AGE, keys.folder / "identity1", keys.environ), hidden)
        assert "identity_file" in caught.value.hint

    async def test_an_identity_file_that_is_none(self, keys: Keys, tmp_path: Path) -> None:
        hidden = await coded(coders(AGE, keys)[0], b"content")
        (tmp_path / "key").write_text("hello")
        for path in (tmp_path / "absent", tmp_path / "key"):
            with pytest.raises(StoreFailed, match="the identity file cannot be used"):
                await coded(decryptor(AGE, path, keys.environ), hidden)
        with pytest.raises(StoreFailed, match="age needs a private key") as caught:
            decryptor(AGE, None, keys.environ)
        assert "identity_file" in caught.value.hint

    @pytest.mark.parametrize("recipient", ["hello", "age1qqqq", "--help", ""])
    async def test_recipients_that_are_none(self, keys: Keys, recipient: str) -> None:
        with pytest.raises(StoreFailed, match="a recipient is no public key of age"):
            await coded(encryptor(AGE, [recipient], keys.environ), b"content")
        with pytest.raises(StoreFailed, match="cannot encrypt with gpg"):
            await coded(encryptor(GPG, [recipient], keys.environ), b"content")

    async def test_somebody_gpg_does_not_know(self, keys: Keys) -> None:
        """Nor looks for in the network."""
        with pytest.raises(StoreFailed, match="gpg knows no public key of a recipient") as caught:
            await coded(encryptor(GPG, ["nobody@example.com"], keys.environ), b"content")
        assert "--import" in caught.value.hint

    async def test_a_secret_key_that_is_locked(self, keys: Keys) -> None:
        hidden = await coded(encryptor(GPG, ["locked@example.com"], keys.environ), b"content")
        with pytest.raises(StoreFailed, match="no secret key for it, or has one that is locked"):
            await coded(coders(GPG, keys)[1], hidden)


@BOTH
async def test_a_program_that_is_not_there(how: Encryption, tmp_path: Path) -> None:
    package = {AGE: "age", GPG: "gnupg"}[how]
    with pytest.raises(StoreFailed, match=f"the program {how} is not installed") as caught:
        await coded(encryptor(how, ["age1"], {"PATH": str(tmp_path)}), b"content")
    assert caught.value.hint == f"install the package {package}"


@BOTH
async def test_content_that_fails_does_not_become_a_whole_file(how: Encryption, keys: Keys) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"1" * 1_000_000
        raise StoreFailed("the source is gone")

    with pytest.raises(StoreFailed, match="the source is gone"):
        async for _ in coders(how, keys)[0](broken()):
            pass


class TestPrograms:
    """What programs do that are not well, by such as are made for it."""

    def environ(self, folder: Path, script: str) -> Mapping[str, str]:
        program = folder / "age"
        program.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return {"PATH": f"{folder}:{os.environ['PATH']}"}

    async def test_one_that_ends_early(self, tmp_path: Path) -> None:
        for script, words in (
            ("echo 'no, \x1b[31mnever' >&2; exit 3", r"no, \\x1b\[31mnever"),
            ("exit 3", "it ended with status 3"),
            ("head -c 10", "it ended with status 0"),
        ):
            environ = self.environ(tmp_path, script)
            with pytest.raises(StoreFailed, match=words):
                await coded(encryptor(AGE, ["age1"], environ), *[b"1" * 1_000_000] * 5)

    async def test_one_that_complains_without_end(self, tmp_path: Path) -> None:
        environ = self.environ(tmp_path, "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1")
        with pytest.raises(StoreFailed) as caught:
            await coded(encryptor(AGE, ["age1"], environ), b"1")
        assert len(caught.value.detail) < 400

    async def test_one_that_is_given_up_on_is_ended(self, tmp_path: Path) -> None:
        environ = self.environ(tmp_path, "sleep 1000")

        async def endless() -> AsyncIterator[bytes]:
            await asyncio.Event().wait()
            yield b""

        async def began() -> bool:
            return (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text())

        coding = asyncio.create_task(anext(encryptor(AGE, ["age1"], environ)(endless())))
        await eventually(began)
        coding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await coding
        assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()

    async def test_one_whose_output_nobody_wants(self, tmp_path: Path) -> None:
        environ = self.environ(tmp_path, "yes")
        async with aclosing(encryptor(AGE, ["age1"], environ)(content(b"1"))) as pieces:
            await anext(pieces)
        assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()

    async def test_nothing_secret_is_on_its_command_line(self, tmp_path: Path) -> None:
        environ = self.environ(tmp_path, f'echo "$@" > {tmp_path}/words; cat')
        (tmp_path / "key").write_text("AGE-SECRET-KEY-1QQQ")
        await coded(encryptor(AGE, ["age1x", "age1y"], environ), b"1")
        assert (tmp_path / "words").read_text() == "--encrypt --recipient age1x --recipient age1y\n"
        await coded(decryptor(AGE, tmp_path / "key", environ), b"1")
        assert (tmp_path / "words").read_text() == f"--decrypt --identity {tmp_path}/key\n"
