"""What we use of boto3: its clients, and what they answer."""

from datetime import datetime
from functools import cache
from typing import NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from dfly_tui.errors import StoreFailed
from dfly_tui.settings_backup import StoreConfig

CONNECT_SECONDS = 10.0
_READS = 3
"""Tries of what may be asked again."""


class Api(Protocol):
    """A client of S3. Each method raises one of `failures()`."""

    def list_objects_v2(self, **asked: object) -> object: ...
    def get_object(self, **asked: object) -> object: ...
    def put_object(self, **asked: object) -> object: ...
    def delete_object(self, **asked: object) -> object: ...
    def create_multipart_upload(self, **asked: object) -> object: ...
    def upload_part(self, **asked: object) -> object: ...
    def complete_multipart_upload(self, **asked: object) -> object: ...
    def abort_multipart_upload(self, **asked: object) -> object: ...
    def close(self) -> None: ...


class Clients(NamedTuple):
    """Two of one store.

    Attributes:
        again: Asks three times.
        once: Sends once: for what changes something.
    """

    again: Api
    once: Api


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", arbitrary_types_allowed=True)


class Listed(_Answer):
    """An object in a listing."""

    key: str
    size: int
    last_modified: datetime


class Page(_Answer):
    """A part of a listing.

    Attributes:
        name: The bucket's; every S3 says it, and nothing else does.
    """

    name: str
    contents: tuple[Listed, ...] = ()
    next_continuation_token: str | None = None


class Begun(_Answer):
    """An upload in parts."""

    upload_id: str


class Taken(_Answer):
    """Something that was taken: a part, or the whole."""

    e_tag: str


@runtime_checkable
class Content(Protocol):
    """An object's content as it comes."""

    def read(self, amount: int) -> bytes: ...
    def close(self) -> None: ...


class Got(_Answer):
    """An object."""

    body: Content


@cache
def _loader() -> object:
    """What reads botocore's own description of S3: a large file, and the same for all stores."""
    from botocore.loaders import create_loader

    loader: object = create_loader()
    return loader


def connected(config: StoreConfig, secret: str | None, timeout_seconds: float) -> Clients:
    """Clients of a store. Nothing is sent.

    Args:
        secret: The secret key; without one, boto3 looks for credentials itself.

    Raises:
        StoreFailed: boto3 is not installed, or the keys are only half there.
    """
    try:
        from boto3.session import Session
        from botocore.config import Config
        from botocore.session import Session as Core
    except ImportError:
        raise StoreFailed("S3 needs the package boto3", "install it with: uv tool install 'dfly-tui[s3]'") from None
    if bool(secret) != bool(config.access_key):
        missing = "its access_key" if not config.access_key else "where its secret key comes from"
        raise StoreFailed(f"the store {config.name} does not say {missing}", "set both, or none of them")
    core = Core()
    core.register_component("data_loader", _loader())
    session = Session(
        aws_access_key_id=config.access_key or None, aws_secret_access_key=secret or None, botocore_session=core
    )
    # Elsewhere than at Amazon a region has no meaning, but is a part of the signature.
    region = config.region or ("us-east-1" if config.endpoint else None)

    def client(tries: int) -> Api:
        settings = Config(
            connect_timeout=min(CONNECT_SECONDS, timeout_seconds),
            read_timeout=timeout_seconds,
            retries={"total_max_attempts": tries, "mode": "standard"},
            # What others than Amazon do not all know.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # The store checks the sum of what it gets, with TLS too.
            s3={"payload_signing_enabled": True, "addressing_style": "path" if config.endpoint else "auto"},
        )
        made: Api = session.client("s3", endpoint_url=config.endpoint, region_name=region, config=settings)
        return made

    return Clients(client(_READS), client(1))
