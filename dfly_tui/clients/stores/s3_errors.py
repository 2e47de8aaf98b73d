"""What boto3 raises, and what it means."""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from dfly_tui.errors import DflyError, Refused, StoreFailed
from dfly_tui.text import safe

_BUSY = (501, 503, 507)
"""Statuses above 499 by which a server says that it did not do it."""
_KEYS = "check access_key and the secret key of this store"
_RIGHTS = "the key needs s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload there"
_CLOCK = "set the clock right: timedatectl"
_CODES: dict[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no bucket of that name", "make it, or check url and endpoint"),
    "AccessDenied": ("this key may not do that there", _RIGHTS),
    "403": ("this key may not do that there", _RIGHTS),
    "AllAccessDisabled": ("this key may not do that there", _RIGHTS),
    "InvalidAccessKeyId": ("the access key is not known there", _KEYS),
    "SignatureDoesNotMatch": ("the secret key does not belong to the access key", _KEYS),
    "ExpiredToken": ("the credentials have expired", "sign in again"),
    "InvalidToken": ("the credentials are not valid there", "sign in again"),
    "RequestTimeTooSkewed": ("the clocks of this machine and of the store differ too much", _CLOCK),
    "PermanentRedirect": ("the bucket is in another region", "set region"),
    "301": ("the bucket is in another region", "set region"),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "set region"),
    "SlowDown": ("the store is overloaded", "try again later"),
    "ServiceUnavailable": ("the store is overloaded", "try again later"),
    "503": ("the store is overloaded", "try again later"),
    "QuotaExceeded": ("no space left: the quota is used up", "make room there"),
    "XMinioStorageFull": ("no space left", "make room there"),
    "InsufficientStorage": ("no space left", "make room there"),
    "507": ("no space left", "make room there"),
    "InvalidObjectState": ("it lies in an archive", "have it restored from there first"),
}
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_TAKEN = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
_NOT_KNOWN = frozenset({"NotImplemented", "501"})


class Where(NamedTuple):
    """Which store, for a sentence."""

    address: str
    endpoint: str


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")
    code: str = Field("", alias="Code")
    message: str = Field("", alias="Message")


class _Status(BaseModel):
    model_config = ConfigDict(extra="ignore")
    status: int = Field(0, alias="HTTPStatusCode")


class _Response(BaseModel):
    model_config = ConfigDict(extra="ignore")
    said: _Said = Field(_Said(), alias="Error")
    about: _Status = Field(_Status(), alias="ResponseMetadata")


def failures() -> tuple[type[Exception], ...]:
    """What boto3 raises, and what comes of answers it does not understand."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError
    except ImportError:  # then there is nothing that could raise them
        return ()
    return (BotoCoreError, ClientError, ResponseParserError, OSError, ValueError)


def is_absent(error: Exception) -> bool:
    """The store says there is no such object."""
    return _response(error).said.code in _ABSENT


def is_taken(error: Exception) -> bool:
    """The store says there is an object of that name already."""
    return _response(error).said.code in _TAKEN


def is_not_known(error: Exception) -> bool:
    """The store does not know a condition that was put."""
    return _response(error).said.code in _NOT_KNOWN


def may_be_done(error: Exception) -> bool:
    """Whether a request that failed so may have been done all the same."""
    from botocore import exceptions as known

    if isinstance(error, known.ClientError):
        status = _response(error).about.status
        return status >= 500 and status not in _BUSY
    return not isinstance(error, (known.ConnectionError, known.ParamValidationError))


def failure(error: Exception, where: Where, doing: str) -> DflyError:
    """What such an exception means.

    Args:
        doing: Such as `read dump.rdb`.
    """
    from botocore.exceptions import ClientError

    if is_absent(error):
        return StoreFailed(f"cannot {doing} in {where.address}: it is not there")
    if is_taken(error):
        return Refused(f"cannot {doing} in {where.address}: it is there already", "nothing was overwritten")
    if isinstance(error, ClientError):
        said = _response(error).said
        what, hint = _CODES.get(said.code, ("", ""))
        what = what or safe(f"{said.code}: {said.message}", limit=300)
        return StoreFailed(f"cannot {doing} in {where.address}: {what}", hint)
    what, hint = _without_answer(error, where)
    return StoreFailed(f"cannot {doing} in {where.address}: {what}", hint)


def _without_answer(error: Exception, where: Where) -> tuple[str, str]:
    from botocore import exceptions as known
    from botocore.parsers import ResponseParserError

    check = "check endpoint"
    sayings: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
        ((known.SSLError,), f"TLS with {where.endpoint} failed", f"{check}: is it https, and its certificate known?"),
        ((known.ProxyConnectionError,), "the proxy cannot be reached", "check HTTPS_PROXY and NO_PROXY"),
        ((known.ConnectTimeoutError, known.ReadTimeoutError), f"{where.endpoint} did not answer in time", "is it up?"),
        ((known.EndpointConnectionError,), f"{where.endpoint} cannot be reached", f"is it up? {check}"),
        ((known.ConnectionClosedError, known.ResponseStreamingError, known.IncompleteReadError, OSError),
         f"{where.endpoint} hung up in the middle", "is it up?"),
        ((known.HTTPClientError,), f"the connection to {where.endpoint} broke", "is it up?"),
        ((known.NoCredentialsError, known.PartialCredentialsError, known.CredentialRetrievalError),
         "there are no credentials", "set access_key and where the secret key comes from, or the AWS libraries' own"),
        ((ResponseParserError, ValueError), f"{where.endpoint} does not answer like S3", check),
    )  # fmt: skip
    for kinds, what, hint in sayings:
        if isinstance(error, kinds):
            return what, hint
    return safe(str(error), limit=300), ""


def _response(error: Exception) -> _Response:
    try:
        return _Response.model_validate(getattr(error, "response", {}))
    except ValueError:
        return _Response()
