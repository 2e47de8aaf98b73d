"""The one family of errors. Each is a value to show: what happened, where, and what to do about it.

Library errors are translated at the client, so nobody above `dfly_tui.clients` knows redis-py, httpx or docker.
"""

from typing import ClassVar


class DflyError(Exception):
    """What went wrong, in words for the person on call.

    Args:
        detail: What exactly happened, already `safe()`.
        hint: What to do about it; empty when there is nothing sensible to advise.
    """

    code: ClassVar[str] = "error"
    """A stable word for scripts (`reasons[].code` of `status --json`)."""
    title: ClassVar[str] = "Something went wrong"
    """A few words for a badge or a heading."""

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}" if self.detail else self.title

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (other.detail, other.hint) == (self.detail, self.hint)

    def __hash__(self) -> int:
        return hash((type(self), self.detail, self.hint))


class ConfigError(DflyError):
    """The configuration file, an environment variable or an option is wrong."""

    code, title = "config", "Configuration error"


class BadInput(DflyError):
    """What a person typed means nothing here."""

    code, title = "input", "Not understood"


class SecretError(DflyError):
    """A password could not be had from where it is said to be."""

    code, title = "secret", "Password not available"


class Unreachable(DflyError):
    """No connection: refused, reset, no route, unknown host name."""

    code, title = "unreachable", "Unreachable"


class Timeout(DflyError):
    """Connected, but no answer in time: frozen, overloaded, or a network that swallows packets."""

    code, title = "timeout", "No answer"


class TlsFailed(DflyError):
    """TLS against a plain port, plain against a TLS port, or a certificate that is not trusted."""

    code, title = "tls", "TLS problem"


class NotAServer(DflyError):
    """Something answered, but it does not speak the Redis protocol (or not Prometheus, for /metrics)."""

    code, title = "protocol", "Not a Dragonfly"


class NoMetrics(NotAServer):
    """Something answered over HTTP, but not with a page for Prometheus."""

    title = "No metrics"


class AuthFailed(DflyError):
    """The password or user was refused, or one is needed and none was given."""

    code, title = "auth", "Password refused"


class NotPermitted(DflyError):
    """The user may not run this command (`NOPERM`, restricted commands)."""

    code, title = "not-permitted", "Not permitted"


class NotSupported(DflyError):
    """The server does not know this command or option."""

    code, title = "not-supported", "Not supported by this server"


class Loading(DflyError):
    """The server is up and is reading its data set or doing a full sync (`-LOADING`)."""

    code, title = "loading", "Loading"


class OutOfMemory(DflyError):
    """The server refuses writes because it is at its memory limit (`-ERR Out of memory`, no prefix)."""

    code, title = "oom", "Out of memory"


class TooManyClients(DflyError):
    """The server is at `maxclients` and closed the connection."""

    code, title = "max-clients", "Too many clients"


class ServerError(DflyError):
    """Any other error reply; the detail holds the server's own words."""

    code, title = "server", "The server refused"


class DockerFailed(DflyError):
    """Docker is absent, refused us, or does not know the container."""

    code, title = "docker", "Docker not available"


class StoreFailed(DflyError):
    """A place where backups lie is absent, full, refused us, or does not hold what it should."""

    code, title = "store", "Backup store"


class Bug(DflyError):
    """A mistake of ours; the log has the traceback. It is shown rather than leaving a screen frozen."""

    code, title = "bug", "A bug in dfly-tui"


class ReadOnly(DflyError):
    """The instance is read-only now; nothing was sent."""

    code, title = "read-only", "Read-only"


class Busy(DflyError):
    """Somebody else is at it, or was a moment ago."""

    code, title = "busy", "Already under way"


class Refused(DflyError):
    """We did not send it, as it would have done harm. Nothing was changed."""

    code, title = "refused", "Not sent"


class OutcomeUnknown(DflyError):
    """A command that changes something was sent and no answer came. Look again; never guess, never send it twice."""

    code, title = "outcome-unknown", "Outcome unknown"
