"""Settings beside their defaults: what a person reads to see what was changed on a server."""

import hiredis
import pytest

from dfly_tui.models.configuration import Setting, settings_of
from dfly_tui.models.instance import Flavour
from tests.support.golden import VERSIONS, exchanges

ON_THE_COMMAND_LINE = {"dir", "maxmemory", "requirepass"}
"""What the recorded servers were started with."""


def recorded(version: str) -> dict[str, str]:
    """`CONFIG GET *` of a real server, asked before anything was set."""
    parser = hiredis.Reader(encoding="utf-8")
    parser.feed(exchanges(version, "CONFIG", "GET", "*", resp=2)[0].raw)
    names_and_values = parser.gets()
    assert isinstance(names_and_values, list)
    return dict(zip(names_and_values[::2], names_and_values[1::2], strict=True))


def one(name: str, value: str, version: str | None = "1.40.1", flavour: Flavour = Flavour.DRAGONFLY) -> Setting:
    (setting,) = settings_of({name: value}, version, flavour)
    return setting


@pytest.mark.parametrize(("version", "count"), [("1.22.2", 29), ("1.40.1", 68)])
def test_a_real_server_differs_in_what_it_was_started_with(version: str, count: int) -> None:
    config = recorded(version)
    settings = settings_of(config, version, Flavour.DRAGONFLY)
    assert [(setting.name, setting.value) for setting in settings] == list(config.items())
    assert len(settings) == count
    assert {setting.name for setting in settings if not setting.is_default} == ON_THE_COMMAND_LINE


@pytest.mark.parametrize("version", VERSIONS)
def test_only_the_folder_and_the_number_of_databases_are_fixed(version: str) -> None:
    settings = settings_of(recorded(version), version, Flavour.DRAGONFLY)
    assert {setting.name for setting in settings if setting.changeable is False} == {"dir", "dbnum"}
    assert {setting.changeable for setting in settings} == {True, False}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_setting_has_a_sentence(version: str) -> None:
    for setting in settings_of(recorded(version), version, Flavour.DRAGONFLY):
        assert 0 < len(setting.explanation) <= 90, setting.name
        assert setting.explanation.endswith("."), setting.name
        assert setting.explanation.isprintable(), setting.name


def test_a_changed_setting() -> None:
    setting = one("snapshot_cron", "0 2 * * *")
    assert (setting.value, setting.default, setting.is_default, setting.changeable) == ("0 2 * * *", "", False, True)


def test_a_masked_password_is_not_the_default_and_none_is() -> None:
    assert one("requirepass", "••••••").is_default is False
    assert one("masterauth", "").is_default is True


def test_maxmemory_depends_on_the_host() -> None:
    setting = one("maxmemory", "1.00GiB", "1.22.2")
    assert (setting.default, setting.is_default, setting.changeable) == (None, None, True)
    assert "80%" in setting.explanation


@pytest.mark.parametrize(
    ("name", "value", "is_default"),
    [
        ("tls", "0", True), ("tls", "False", True), ("tls", "no", True), ("tls", "1", False), ("tls", "true", False),
        ("replica_partial_sync", "1", True), ("replica_partial_sync", "no", False),
        ("timeout", "0", True), ("timeout", "false", False),
        ("pipeline_squash", "1", True), ("pipeline_squash", "true", False),
        ("pipeline_buffer_limit", "128.00MiB", True), ("pipeline_buffer_limit", "128.00GiB", False),
        ("serialization_max_chunk_size", "64KiB", True), ("snapshot_egress_limit_bytes", "0B", True),
        ("table_growth_margin", "0.40", True), ("rss_oom_deny_ratio", "-1.25", False),
        ("masteruser", "0", False), ("dbfilename", "DUMP-{timestamp}", False),
    ],
)  # fmt: skip
def test_a_default_is_known_however_it_is_spelled(name: str, value: str, is_default: bool) -> None:
    assert one(name, value).is_default is is_default


@pytest.mark.parametrize("name", ["slowlog_max_len", "slowlog-max-len", "SLOWLOG-MAX-LEN"])
def test_a_setting_is_known_by_all_its_names(name: str) -> None:
    setting = one(name, "21")
    assert (setting.name, setting.default, setting.is_default) == (name, "20", False)


@pytest.mark.parametrize(
    ("name", "version", "default"),
    [
        ("pipeline_queue_limit", "1.24.0", "1000"), ("pipeline_queue_limit", "1.25.0", "10000"),
        ("replication_timeout", "1.23.0", "30000"), ("max_busy_read_usec", "1.32.0", "100"),
        ("pipeline_squash", "1.28.2", "10"), ("pipeline_squash", "1.28.33", "1"), ("pipeline_squash", "1.29.0", "10"),
        ("pipeline_squash", "v1.31.1", "1"), ("lua_undeclared_keys_shas", "1.36.0-rc1", ""),
    ],
)  # fmt: skip
def test_a_default_is_that_of_the_release(name: str, version: str, default: str) -> None:
    assert one(name, "x", version).default == default


@pytest.mark.parametrize("version", ["1.41.0", "1.100.0", "2.0"])
def test_a_newer_release_is_compared_with_the_newest_known(version: str) -> None:
    assert one("pipeline_squash", "1", version).is_default is True


@pytest.mark.parametrize("version", ["1.21.4", "0.9.1", None, "", "main", "3fbd65e"])
def test_where_the_release_is_not_known_only_what_never_changed_is_told(version: str | None) -> None:
    changed, constant = one("pipeline_squash", "10", version), one("maxclients", "64000", version)
    assert (changed.default, changed.is_default, changed.changeable) == (None, None, True)
    assert (constant.default, constant.is_default) == ("64000", True)


def test_an_unknown_setting_is_shown_without_a_claim() -> None:
    assert one("brand_new", "7") == Setting(
        name="brand_new", value="7", default=None, is_default=None, changeable=None, explanation=""
    )


@pytest.mark.parametrize("flavour", [Flavour.REDIS, Flavour.VALKEY])
def test_of_redis_nothing_is_claimed(flavour: Flavour) -> None:
    settings = settings_of({"dir": "/data", "maxclients": "64000"}, "7.4.0", flavour)
    assert [(setting.name, setting.value) for setting in settings] == [("dir", "/data"), ("maxclients", "64000")]
    for setting in settings:
        assert (setting.default, setting.is_default, setting.changeable) == (None, None, None)
