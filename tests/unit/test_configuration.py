"""Settings beside their defaults: what a person reads to see what was changed on a server."""

import pytest

from dfly_tui.models.configuration import Setting, settings_of
from dfly_tui.models.instance import Flavour

V22 = {
    "requirepass": "", "masteruser": "", "replica_priority": "100", "max_eviction_per_heartbeat": "100",
    "dbfilename": "dump-{timestamp}", "snapshot_cron": "", "table_growth_margin": "0.4", "tls": "false",
    "tls_cert_file": "", "dir": "", "pipeline_squash": "10", "pipeline_queue_limit": "1000", "tls_ca_cert_dir": "",
    "enable_heartbeat_eviction": "true", "aclfile": "", "slowlog_log_slower_than": "10000", "tls_key_file": "",
    "replica_partial_sync": "true", "maxclients": "64000", "acllog_max_len": "32", "max_segment_to_consider": "4",
    "tls_ca_cert_file": "", "oom_deny_ratio": "1.1", "dbnum": "16", "masterauth": "", "tcp_keepalive": "300",
    "slowlog_max_len": "20",
    "lua_undeclared_keys_shas":
        "351130589c64523cb98978dc32c64173a31244f3,6ae15ef4678593dc61f991c9953722d67d822776",
}  # fmt: skip
"""All of a fresh v1.22.2 but maxmemory, as recorded."""
V40 = {
    "MAXSEARCHRESULTS": "1000000", "aclfile": "", "always_flush_pipeline": "false", "dbfilename": "dump-{timestamp}",
    "dbnum": "16", "dir": "", "enable_heartbeat_rss_eviction": "true", "lua_undeclared_keys_shas": "",
    "maxclients": "64000", "notify_keyspace_events": "", "pipeline_buffer_limit": "134217728",
    "pipeline_queue_limit": "10000", "pipeline_squash": "1", "replication_timeout": "30000", "requirepass": "",
    "rss_oom_deny_ratio": "1.25", "search.query-string-bytes": "10240", "serialization_max_chunk_size": "65536",
    "snapshot_cron": "", "tiered_upload_threshold": "0.1", "timeout": "0", "tls": "false",
}  # fmt: skip


def _one(name: str, value: str, version: str | None = "1.40.1", flavour: Flavour = Flavour.DRAGONFLY) -> Setting:
    (setting,) = settings_of({name: value}, version, flavour)
    return setting


@pytest.mark.parametrize(("config", "version"), [(V22, "1.22.2"), (V22, "1.22.0"), (V40, "1.40.1"), (V40, "1.40.0")])
def test_a_fresh_server_has_only_defaults(config: dict[str, str], version: str) -> None:
    settings = settings_of(config, version, Flavour.DRAGONFLY)
    assert [setting.name for setting in settings] == list(config)
    assert [(setting.name, setting.default) for setting in settings if setting.is_default is not True] == []
    assert [setting.name for setting in settings if setting.changeable is False] in (["dir", "dbnum"], ["dbnum", "dir"])
    assert [setting.name for setting in settings if not setting.explanation] == []


def test_a_changed_setting() -> None:
    setting = _one("snapshot_cron", "0 2 * * *")
    assert (setting.value, setting.default, setting.is_default, setting.changeable) == ("0 2 * * *", "", False, True)


def test_a_masked_password_is_not_the_default_and_none_is() -> None:
    assert _one("requirepass", "••••••").is_default is False
    assert _one("masterauth", "").is_default is True


@pytest.mark.parametrize(
    ("name", "value", "is_default"),
    [
        ("tls", "0", True), ("tls", "False", True), ("tls", "1", False), ("tls", "true", False),
        ("replica_partial_sync", "1", True), ("replica_partial_sync", "no", False), ("timeout", "0", True),
        ("timeout", "false", False), ("pipeline_squash", "1", True), ("pipeline_squash", "true", False),
    ],
)  # fmt: skip
def test_only_flags_have_two_spellings(name: str, value: str, is_default: bool) -> None:
    assert _one(name, value).is_default is is_default


def test_maxmemory_depends_on_the_host() -> None:
    setting = _one("maxmemory", "1.00GiB", "1.22.2")
    assert (setting.default, setting.is_default, setting.changeable) == (None, None, True)
    assert "80 %" in setting.explanation


@pytest.mark.parametrize("version", ["1.21.0", "1.25.3", "1.29.9", "1.30.0", "1.39.2", "1.41.0", "2.0.0", None, "main"])
@pytest.mark.parametrize("name", ["pipeline_queue_limit", "pipeline_squash", "replication_timeout"])
def test_a_default_that_changed_is_unknown_in_other_versions(version: str | None, name: str) -> None:
    assert (_one(name, "1000", version).default, _one(name, "1000", version).is_default) == (None, None)


@pytest.mark.parametrize(
    ("name", "version", "default"),
    [
        ("oom_deny_ratio", "1.29.0", "1.1"), ("oom_deny_ratio", "1.30.0", None), ("timeout", "1.29.0", None),
        ("timeout", "1.30.0", "0"), ("maxclients", "1.21.4", "64000"), ("maxclients", "1.55.0", "64000"),
        ("maxclients", None, "64000"), ("maxclients", "1.100.0", "64000"), ("pipeline_squash", "1.22.9", "10"),
        ("pipeline_squash", "1.40.9", "1"), ("pipeline_squash", "v1.40.1", "1"),
    ],
)  # fmt: skip
def test_another_version_is_compared_with_the_nearer_one(name: str, version: str | None, default: str | None) -> None:
    assert _one(name, "x", version).default == default


def test_the_databases_are_set_at_start() -> None:
    assert [_one(name, "16").changeable for name in ("dir", "dbnum", "databases")] == [False, False, False]


def test_an_unknown_setting_is_shown_without_a_claim() -> None:
    assert _one("brand_new", "7") == Setting(
        name="brand_new", value="7", default=None, is_default=None, changeable=None, explanation=""
    )


@pytest.mark.parametrize("flavour", [Flavour.REDIS, Flavour.VALKEY])
def test_of_redis_nothing_is_claimed(flavour: Flavour) -> None:
    settings = settings_of({"dir": "/data", "maxclients": "64000"}, "7.4.0", flavour)
    assert [(setting.name, setting.value) for setting in settings] == [("dir", "/data"), ("maxclients", "64000")]
    for setting in settings:
        assert (setting.default, setting.is_default, setting.changeable) == (None, None, None)


def test_no_settings() -> None:
    assert settings_of({}, None, Flavour.DRAGONFLY) == ()


def test_the_sentences_fit_a_line() -> None:
    for setting in settings_of(V22 | V40 | {"maxmemory": "0"}, "1.40.1", Flavour.DRAGONFLY):
        assert len(setting.explanation) <= 100, setting.name
        assert setting.explanation.endswith("."), setting.name
