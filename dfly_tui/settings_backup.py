"""The `[[stores]]` and `[backup]` tables: where backups are copied to, how long they are kept, how they are tried."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from dfly_tui.settings_base import Secretive, Table, plain, problem

GIGABYTE = 1 << 30


class StoreConfig(Secretive):
    """One `[[stores]]` table: a place beside the instances where copies of backups lie.

    The password is the secret key of S3; without one, what the AWS libraries find for themselves is used.
    """

    name: str = Field(min_length=1, max_length=60)
    url: str
    """A folder of this machine, `/srv/backups`, or `s3://bucket/prefix`."""
    endpoint: str | None = None
    """`https://minio.example:9000`, for S3 that is not Amazon's."""
    region: str | None = None
    access_key: str | None = None
    """The id that belongs to the secret key."""

    @property
    def is_s3(self) -> bool:
        return self.url.startswith("s3://")

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, name: str) -> str:
        return plain(name)

    @field_validator("url")
    @classmethod
    def _url_is_a_place(cls, url: str) -> str:
        if not url.isprintable() or not url.startswith(("/", "~/", "s3://")):
            raise problem("expected a folder, /srv/backups, or s3://bucket/prefix")
        if url.startswith("s3://") and not urlsplit(url).netloc:
            raise problem("the bucket is missing; expected s3://bucket/prefix")
        if url.startswith("s3://") and "@" in urlsplit(url).netloc:
            raise problem("no keys in a URL: use access_key and password_env, password_command or password_file")
        return url

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_http(cls, endpoint: str | None) -> str | None:
        if endpoint is not None:
            parts = urlsplit(endpoint)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
                raise problem("expected https://host:port")
        return endpoint

    @model_validator(mode="after")
    def _s3_keys_need_s3(self) -> Self:
        keys = [key for key in ("endpoint", "region", "access_key") if getattr(self, key)]
        if keys and not self.is_s3:
            raise problem("has a meaning for s3:// only", [keys[0]])
        return self


class BackupSettings(Table):
    """The `[backup]` table: what is done with every instance's backups, unless it says otherwise."""

    folder: str | None = None
    """Where an instance's snapshots lie as this machine sees it; default: they are read through Docker."""
    copy_to: tuple[str, ...] = ()
    """Names of stores a backup is copied to."""
    format: Literal["df", "rdb"] | None = None
    """Default: what the server writes by itself."""
    encrypt: Literal["age", "gpg"] | None = None
    """Copies only; what lies with the instance the server has to read."""
    recipients: tuple[str, ...] = ()
    """For whom copies are encrypted: public keys of age, or keys gpg knows."""
    identity_file: str | None = None
    """age's private key, for drills and restores from an encrypted copy; gpg finds its own."""
    keep_last: int = Field(7, ge=0)
    keep_hourly: int = Field(0, ge=0)
    keep_daily: int = Field(7, ge=0)
    keep_weekly: int = Field(4, ge=0)
    keep_monthly: int = Field(6, ge=0)
    keep_yearly: int = Field(0, ge=0)
    keep_at_least: int = Field(2, ge=1)
    """So many good ones stay, whatever the others say."""
    delay_days: float = Field(3.0, ge=0, allow_inf_nan=False)
    """Between the day a set is no longer wanted and the day it is removed."""
    verify_days: float = Field(7.0, gt=0, allow_inf_nan=False)
    """A warning when the newest backup was not verified for so long."""
    drill_days: float = Field(30.0, gt=0, allow_inf_nan=False)
    """A warning when no restore was proven for so long."""
    drill_image: str | None = None
    """Default: the image the instance runs from."""
    drill_memory_bytes: int = Field(2 * GIGABYTE, ge=64 << 20)
    """What the throw-away server of a drill may take."""
    disk_days: float = Field(7.0, gt=0, allow_inf_nan=False)
    """A warning when the disk is full in less."""
    save_seconds: float = Field(3600.0, gt=0, allow_inf_nan=False)
    """What a save may take."""
    load_seconds: float = Field(3600.0, gt=0, allow_inf_nan=False)
    """What loading may take, in a drill or a restore."""
    restore_hook_before: str | None = None
    """A command run before a restore changes anything, with the facts in its environment (DFLY_…)."""
    restore_hook_after: str | None = None
    """A command run after a restore."""
    hook_seconds: float = Field(30.0, gt=0, le=3600, allow_inf_nan=False)

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        if self.encrypt is not None and not self.recipients:
            raise problem("nobody could read the copies: name recipients", ["encrypt"])
        if self.folder is not None and not self.folder.startswith(("/", "~/")):
            raise problem("expected a folder, /srv/dragonfly/data", ["folder"])
        return self


class BackupOverrides(Table):
    """The `[instances.backup]` table: what differs from `[backup]` for one instance; see there."""

    folder: str | None = None
    copy_to: tuple[str, ...] | None = None
    format: Literal["df", "rdb"] | None = None
    keep_last: int | None = Field(None, ge=0)
    keep_hourly: int | None = Field(None, ge=0)
    keep_daily: int | None = Field(None, ge=0)
    keep_weekly: int | None = Field(None, ge=0)
    keep_monthly: int | None = Field(None, ge=0)
    keep_yearly: int | None = Field(None, ge=0)
    keep_at_least: int | None = Field(None, ge=1)
    delay_days: float | None = Field(None, ge=0, allow_inf_nan=False)
    drill_image: str | None = None
    drill_memory_bytes: int | None = Field(None, ge=64 << 20)

    def over(self, common: BackupSettings) -> BackupSettings:
        """The common table with this one's values in it."""
        return common.model_copy(update=self.model_dump(exclude_none=True))
