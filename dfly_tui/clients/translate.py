"""From what libraries raise and servers answer to the one family of errors, in words that help."""

import errno
import re
import socket
import ssl

import hiredis
from redis.exceptions import InvalidResponse, RedisError, ResponseError

from dfly_tui.clients.address import Address
from dfly_tui.clients.stream import TooMuch
from dfly_tui.errors import (
    AuthFailed,
    DflyError,
    Loading,
    NotAServer,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    ServerError,
    Timeout,
    TlsFailed,
    TooManyClients,
    Unreachable,
)
from dfly_tui.text import safe

_PASSWORD_KEYS = "password_env, password_command, password_file, password_keyring or password_prompt"  # noqa: S105

_REPLIES: tuple[tuple[str, type[DflyError], str], ...] = (
    (
        r"ERR Bad TLS header",
        TlsFailed,
        "this port speaks TLS: write the URL with rediss://, and set ca_file if its certificate is your own",
    ),
    (r"WRONGPASS|ERR invalid password", AuthFailed, f"check username and {_PASSWORD_KEYS} of this instance"),
    (
        r"NOAUTH|ERR operation not permitted",
        AuthFailed,
        f"the server wants a password: set {_PASSWORD_KEYS} for this instance",
    ),
    (
        r"ERR (AUTH <password> called without any password|Client sent AUTH, but no password)",
        AuthFailed,
        "the server has no password, but one is configured: remove the password_… key of this instance",
    ),
    (r"NOPERM", NotPermitted, "let the user have this command (ACL SETUSER), or connect with another username"),
    (
        r"ERR Cannot execute restricted command",
        NotPermitted,
        "the server allows this command on its admin port only (--restricted_commands)",
    ),
    (r"DENIED", NotPermitted, "protected mode: bind an address or set a password on the server"),
    (r"LOADING", Loading, "it is reading its data set or doing a full sync; wait"),
    (r"OOM|ERR Out of memory", OutOfMemory, "raise maxmemory, or delete keys"),
    (r"ERR max number of clients", TooManyClients, "close clients (CLIENT LIST shows them) or raise maxclients"),
    (r"ERR unknown (sub)?command|ERR .* not implemented", NotSupported, ""),
    (r"READONLY", ServerError, "writes go to the primary"),
)
"""What an error reply begins with, and what it means. Dragonfly's own words: facts §9."""

_ECHO = re.compile(r",? with args beginning with:.*", re.DOTALL)
"""Redis repeats the arguments of a command it does not know, the password of `HELLO 3 AUTH …` among them."""

_LESSON = re.compile(r"(?<=^NOAUTH )HELLO must be.*", re.DOTALL)
"""A sentence about HELLO, which nobody typed."""

_ERRNO = {
    errno.ECONNREFUSED: ("refused the connection", "is the server running, and is the port right?"),
    errno.EHOSTUNREACH: ("cannot be reached: no route to the host", "is the machine up, and the VPN?"),
    errno.ENETUNREACH: ("cannot be reached: no route to its network", "is the VPN up?"),
    errno.ETIMEDOUT: ("did not take the connection in time", "a firewall may swallow the packets"),
    errno.EMFILE: ("cannot be reached: dfly-tui has too many files open", "raise the limit: ulimit -n 4096"),
    errno.ENFILE: ("cannot be reached: this machine has too many files open", "close programs, or raise fs.file-max"),
    errno.EACCES: ("cannot be reached: permission denied", ""),
}


def from_reply(reply: str) -> DflyError:
    """The meaning of an error reply, given as sent but for the leading `-`."""
    reply = _LESSON.sub("Authentication required.", _ECHO.sub("", reply))
    for pattern, kind, hint in _REPLIES:
        if re.match(pattern, reply, re.IGNORECASE):
            return kind(safe(reply.removeprefix("ERR "), limit=400), hint)
    return ServerError(safe(reply.removeprefix("ERR "), limit=400))


def translate(error: Exception, address: Address, head: bytes = b"") -> DflyError:
    """The meaning of an exception raised while talking to a server.

    Args:
        address: Whom we talked to; for the words only.
        head: The first bytes that came from there, if any.
    """
    cause = root(error)
    match cause:
        case DflyError():
            return cause
        case ResponseError():
            return from_reply(str(cause))
        case InvalidResponse() | hiredis.ProtocolError():
            return broken(address, head)
        case TooMuch():
            return NotAServer(f"{safe(str(address))} {cause}", "check the port in the URL, and what listens there")
        case ssl.SSLError():
            return _tls_error(cause, address)
        case socket.gaierror():
            return Unreachable(
                f"the host name {safe(address.host)} is not known ({safe(cause.strerror or str(cause))})",
                "check the spelling, DNS and VPN",
            )
        case TimeoutError() if cause.errno is None:
            return Timeout(f"{safe(str(address))} did not answer in time")
        case OSError():
            return _os_error(cause, address, head)
        case RedisError():
            return closed(address, head)
        case _:
            return ServerError(safe(f"{type(cause).__name__}: {cause}", limit=400))


def root(error: BaseException) -> BaseException:
    """The operating system's error behind a library's, which keeps it as cause or context; else the error itself."""
    found, inner = error, error.__cause__ or error.__context__
    while inner is not None:
        if isinstance(inner, BaseExceptionGroup):
            inner = inner.exceptions[0]
        if isinstance(inner, OSError):
            found = inner
        inner = inner.__cause__ or inner.__context__
    return found


def closed(address: Address, head: bytes = b"") -> DflyError:
    """The connection ended where an answer was due."""
    if address.tls and not head:
        return TlsFailed(
            f"{safe(str(address))} closed the TLS connection before it answered",
            "if the port does not speak TLS, write the URL with redis://; it may also want a client certificate",
        )
    return Unreachable(
        f"{safe(str(address))} closed the connection before it answered",
        "it may be restarting; a firewall, protected mode or a TLS port does this too",
    )


def broken(address: Address, head: bytes) -> DflyError:
    """What came was not the Redis protocol, perhaps from the first byte on."""
    if not head.startswith((b"%", b"*", b"-", b"+")):
        return not_a_server(address, head)
    return NotAServer(
        f"{safe(str(address))} broke the Redis protocol in the middle of an answer",
        "a proxy or a damaged connection does this; reading goes on with a new connection",
    )


def not_a_server(address: Address, head: bytes) -> DflyError:
    """What answered does not speak the Redis protocol; its first bytes tell what it is."""
    if head[:2] in (b"\x15\x03", b"\x16\x03"):
        return TlsFailed(
            f"{safe(str(address))} speaks TLS and the URL says it does not",
            "write the URL with rediss://, and set ca_file if its certificate is your own",
        )
    shown = safe(head.split(b"\n")[0].rstrip(b"\r"), limit=60)
    kind = "something else than a Dragonfly"
    for start, name in ((b"HTTP/", "an HTTP server"), (b"SSH-", "an SSH server"), (b"<", "an HTTP server")):
        if head.startswith(start):
            kind = name
    return NotAServer(f"{safe(str(address))} is {kind}: it sent “{shown}”", "check the port in the URL")


def _tls_error(error: ssl.SSLError, address: Address) -> DflyError:
    place = safe(str(address))
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or error.reason or str(error)
        hint = next((hint for word, hint in _CERTIFICATES if word in why), "look at it: openssl s_client -connect …")
        return TlsFailed(f"the certificate of {place} is not trusted: {safe(why)}", hint)
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if "certificate required" in reason or "alert" in reason:
        hint = "the server ended the TLS handshake; it may want a client certificate: set cert_file and key_file"
        return TlsFailed(f"{place}: {safe(reason)}", hint)
    return TlsFailed(f"{place} does not speak TLS ({safe(reason)})", "write the URL with redis:// if the port is plain")


_CERTIFICATES = (
    ("expired", "renew it, or that of the authority that signed it; or this machine's clock is wrong"),
    ("not yet valid", "this machine's clock is slow, or that of the one that made the certificate is fast"),
    ("mismatch", "the host in the URL must be one the certificate names"),
    ("not valid for", "the host in the URL must be one the certificate names"),
    ("self-signed", "set ca_file to the authority that signed it"),
    ("issuer", "set ca_file to the authority that signed it"),
)
"""What OpenSSL says about a certificate, and what to do."""


def _os_error(error: OSError, address: Address, head: bytes) -> DflyError:
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return closed(address, head)
    what, hint = _ERRNO.get(_errno(error), (f"cannot be reached: {safe(error.strerror or str(error))}", ""))
    return Unreachable(f"{safe(str(address))} {what}", hint)


def _errno(error: OSError) -> int:
    """Its number; asyncio joins the errors of several addresses (IPv6, IPv4) into one without."""
    if error.errno is None:
        found = re.search(r"\[Errno (\d+)\]", str(error))
        return int(found.group(1)) if found else 0
    return error.errno
