"""Where settings come from, and what is said about mistakes."""

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.errors import ConfigError
from dfly_tui.settings import Settings
from dfly_tui.settings_load import CliOverrides, config_path, instance_from_url, load_settings
from tests.support.configs import CONTRACT, Load, load_from, write_config

NO_OVERRIDES = CliOverrides()


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str, *, environ: Mapping[str, str] | None = None, overrides: CliOverrides | None = None) -> Settings:
        return load_from(write_config(tmp_path, text), environ, overrides)

    return load


def test_the_contract_of_the_file_is_understood(load: Load) -> None:
    settings = load(CONTRACT)

    workhorse, nas = settings.instances
    assert settings.defaults.refresh_seconds == 1.0
    assert (workhorse.name, workhorse.address, workhorse.role) == ("workhorse", "workhorse:6379", "primary")
    assert workhorse.docker is not None
    assert workhorse.docker.container == "dragonfly"
    assert (nas.role, nas.replica_of, nas.environment) == ("replica", "workhorse", "lab")


def test_nothing_configured_is_no_error(tmp_path: Path) -> None:
    settings = load_settings(config_file=None, environ={"HOME": str(tmp_path)}, overrides=NO_OVERRIDES)

    assert settings == Settings()


@pytest.mark.parametrize(
    ("environ", "overrides", "theme", "refresh"),
    [
        ({}, NO_OVERRIDES, "dfly-light", 7.0),
        ({"DFLY_TUI_DEFAULTS__THEME": "dfly-ansi"}, NO_OVERRIDES, "dfly-ansi", 7.0),
        ({"DFLY_TUI_DEFAULTS__REFRESH_SECONDS": "3"}, NO_OVERRIDES, "dfly-light", 3.0),
        (
            {"DFLY_TUI_DEFAULTS__THEME": "dfly-ansi", "DFLY_TUI_DEFAULTS__REFRESH_SECONDS": "3"},
            CliOverrides(theme="dfly-contrast", refresh_seconds=2.0),
            "dfly-contrast",
            2.0,
        ),
    ],
    ids=["file", "env-over-file", "each-key-alone", "cli-over-env"],
)
def test_precedence(
    load: Load, environ: Mapping[str, str], overrides: CliOverrides, theme: str, refresh: float
) -> None:
    text = '[defaults]\ntheme = "dfly-light"\nrefresh_seconds = 7\n'

    defaults = load(text, environ=environ, overrides=overrides).defaults

    assert (defaults.theme, defaults.refresh_seconds) == (theme, refresh)


def test_flags_of_the_command_line_switch_on_and_never_off(load: Load) -> None:
    text = "[defaults]\nread_only = true\n"

    assert load(text, overrides=CliOverrides()).defaults.read_only
    assert load(text, overrides=CliOverrides(dry_run=True, low_bandwidth=True)).defaults.model_dump(
        include={"read_only", "dry_run", "low_bandwidth"}
    ) == {"read_only": True, "dry_run": True, "low_bandwidth": True}


def test_refresh_of_the_command_line_is_for_every_instance(load: Load) -> None:
    text = '[[instances]]\nname = "a"\nurl = "redis://a"\nrefresh_seconds = 30\n'

    assert load(text).instances[0].refresh_seconds == 30
    assert load(text, overrides=CliOverrides(refresh_seconds=2)).instances[0].refresh_seconds is None


def test_instances_come_from_the_environment_as_json(load: Load) -> None:
    settings = load(CONTRACT, environ={"DFLY_TUI_INSTANCES": '[{"name": "only", "url": "redis://only:1"}]'})

    assert [instance.name for instance in settings.instances] == ["only"]


def test_other_variables_with_our_prefix_are_the_users_own(load: Load) -> None:
    assert load(CONTRACT, environ={"DFLY_TUI_NAS_PASSWORD": "x", "DFLY_TUI_PASSWORD": "y"}) == load(CONTRACT)


def test_url_replaces_the_configured_instances_and_keeps_the_rest(load: Load) -> None:
    settings = load(
        "[defaults]\ntheme = 'dfly-ansi'\n" + CONTRACT.split("[defaults]")[0], overrides=CliOverrides(url="h:7")
    )

    assert [(instance.name, instance.url) for instance in settings.instances] == [("h:7", "redis://h:7")]
    assert settings.defaults.theme == "dfly-ansi"


@pytest.mark.parametrize(
    ("typed", "name", "url", "user"),
    [
        ("localhost", "localhost:6379", "redis://localhost", None),
        ("10.0.0.1:7000", "10.0.0.1:7000", "redis://10.0.0.1:7000", None),
        ("rediss://db.example/2", "db.example:6379", "rediss://db.example/2", None),
        ("redis://ops@db:1", "db:1", "redis://db:1", "ops"),
        ("[::1]:6380", "[::1]:6380", "redis://[::1]:6380", None),
    ],
)
def test_an_address_typed_by_a_person(typed: str, name: str, url: str, user: str | None) -> None:
    instance = instance_from_url(typed, environ={})

    assert (instance.name, instance.url, instance.username, instance.password_env) == (name, url, user, None)


def test_the_password_of_a_typed_address_is_in_the_environment() -> None:
    assert instance_from_url("db", environ={"DFLY_TUI_PASSWORD": "x"}).password_env == "DFLY_TUI_PASSWORD"


@pytest.mark.parametrize("typed", ["", "://", "http://db", "redis://u:pw@db", "db:99999", "db:x", "redis://db/zero"])
def test_a_bad_address_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        instance_from_url(typed, environ={})

    assert "pw" not in str(caught.value)


INSTANCE = '[[instances]]\nname = "a"\nurl = "redis://a"\n'

MISTAKES: dict[str, tuple[str, str]] = {
    "unknown-table": ("[default]\n", "{file}:1: default: unknown key; did you mean defaults?"),
    "unknown-key": ("[defaults]\n\nthem = 'x'\n", "{file}:3: defaults.them: unknown key; did you mean theme?"),
    "in-the-second-instance": (
        INSTANCE + '[[instances]]\nname = "b"\nurl = "redis://b"\npasword_env = "X"\n',
        "{file}:7: instances[1].pasword_env: unknown key; did you mean password_env?",
    ),
    "in-an-inline-table": (
        INSTANCE + 'docker = { host = "unix:///x", contaner = "c" }\n',
        "{file}:4: instances[0].docker.contaner: unknown key; did you mean container?",
    ),
    "in-a-sub-table": (
        INSTANCE + '[instances.docker]\ncontainer = "c"\nhots = "x"\n',
        "{file}:6: instances[0].docker.hots: unknown key; did you mean host?",
    ),
    "nothing-like-it": ("[defaults]\nqqq = 1\n", "{file}:2: defaults.qqq: unknown key"),
    "wrong-type": ("[defaults]\nrefresh_seconds = 'often'\n", "{file}:2: defaults.refresh_seconds: should be a valid"),
    "too-small": ("[defaults]\nrefresh_seconds = 0\n", "{file}:2: defaults.refresh_seconds: should be greater"),
    "not-a-number": ("[defaults]\nrefresh_seconds = nan\n", "{file}:2: defaults.refresh_seconds: should be"),
    "missing-url": ('[[instances]]\nname = "a"\n', "{file}:1: instances[0].url: this key is required"),
    "wrong-role": (INSTANCE + 'role = "master"\n', "{file}:4: instances[0].role: should be 'primary' or 'replica'"),
    "bad-scheme": ('[[instances]]\nname = "a"\nurl = "http://a"\n', "{file}:3: instances[0].url: expected redis://"),
    "no-host": ('[[instances]]\nname = "a"\nurl = "redis://:1"\n', "{file}:3: instances[0].url: the host is missing"),
    "bad-port": ('[[instances]]\nname = "a"\nurl = "redis://a:x"\n', "{file}:3: instances[0].url: not a URL"),
    "url-with-options": ('[[instances]]\nname = "a"\nurl = "redis://a?db=1"\n', "{file}:3: instances[0].url: no ?opt"),
    "url-with-user": ('[[instances]]\nname = "a"\nurl = "redis://u@a"\n', "{file}:3: instances[0].url: no user"),
    "url-with-password": (
        '[[instances]]\nname = "a"\nurl = "redis://u:hunter2@a"\n',
        "{file}:3: instances[0].url: no password in a URL",
    ),
    "bad-http-url": (INSTANCE + 'http_url = "a:6379"\n', "{file}:4: instances[0].http_url: expected http://"),
    "bad-docker-host": (
        INSTANCE + 'docker = { host = "nas", container = "c" }\n',
        "{file}:4: instances[0].docker.host: expected unix:///path, ssh://user@host or tcp://host:port",
    ),
    "two-password-sources": (
        INSTANCE + 'password_env = "A"\npassword_file = "b"\n',
        "{file}:5: instances[0].password_file: one password source is enough, not password_env and password_file",
    ),
    "same-name-twice": (INSTANCE + INSTANCE, "{file}:5: instances[1].name: two instances are called a"),
    "unknown-primary": (
        INSTANCE + 'replica_of = "b"\n',
        "{file}:4: instances[0].replica_of: no instance is called b; there are a",
    ),
    "its-own-primary": (INSTANCE + 'replica_of = "a"\n', "{file}:4: instances[0].replica_of: an instance cannot"),
    "primary-of-another": (
        INSTANCE + 'role = "primary"\nreplica_of = "a"\n',
        "{file}:5: instances[0].replica_of: a primary replicates nobody",
    ),
    "certificate-without-tls": (INSTANCE + 'ca_file = "x"\n', "{file}:4: instances[0].ca_file: has no effect"),
    "half-a-certificate": (
        '[[instances]]\nname = "a"\nurl = "rediss://a"\ncert_file = "x"\n',
        "{file}:4: instances[0].cert_file: a client certificate needs both",
    ),
    "thresholds-upside-down": (
        "[defaults.thresholds]\nmemory_warning = 0.95\n",
        "{file}:2: defaults.thresholds.memory_warning: 0.95 is above memory_critical (0.92)",
    ),
    "control-character-in-a-name": (
        '[[instances]]\nname = "a\\u001b[31m"\nurl = "redis://a"\n',
        "{file}:2: instances[0].name: a name holds no control",
    ),
    "control-character-in-a-key": ('"a\\u001b" = 1\n', "{file}: a\\x1b: unknown key"),
    "syntax": ("[defaults]\ntheme = \n", "{file}:2:9: not valid TOML: Invalid value"),
    "syntax-at-the-end": ('[defaults]\ntheme = "x', "{file}:2:1: not valid TOML: "),
    "same-key-twice": ("[defaults]\ntheme='a'\ntheme='b'\n", "{file}:3:10: not valid TOML: Cannot overwrite a value"),
}


@pytest.mark.parametrize(("text", "complaint"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_file_line_key_and_remedy(tmp_path: Path, text: str, complaint: str) -> None:
    file = write_config(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load_from(file)

    lines = caught.value.detail.splitlines()
    assert any(line.startswith(complaint.replace("{file}", str(file))) for line in lines)
    assert "hunter2" not in caught.value.detail
    assert "\x1b" not in caught.value.detail


def test_all_mistakes_are_told_at_once(load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load("[defaults]\nthem = 1\nunlock_minutes = 'x'\n[[instances]]\nname = 'a'\n")

    assert len(caught.value.detail.splitlines()) == 3


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        (
            {"DFLY_TUI_DEFAULTS__THEM": "x"},
            "environment variable DFLY_TUI_DEFAULTS__THEM: defaults.them: unknown key; did you mean theme?",
        ),
        (
            {"DFLY_TUI_DEFAULTS__THRESHOLDS__MEMORY_WARNING": "much"},
            "environment variable DFLY_TUI_DEFAULTS__THRESHOLDS__MEMORY_WARNING: defaults.thresholds.memory_warning: ",
        ),
        ({"DFLY_TUI_DEFAULT__THEME": "x"}, "environment variable DFLY_TUI_DEFAULT__THEME: unknown key"),
        ({"DFLY_TUI_INSTANCES": "[{"}, "environment variable DFLY_TUI_INSTANCES: not valid JSON"),
        (
            {"DFLY_TUI_INSTANCES": '[{"name": "a"}]'},
            "environment variable DFLY_TUI_INSTANCES: instances[0].url: this key is required",
        ),
    ],
    ids=["unknown", "wrong-type", "unknown-table", "bad-json", "missing"],
)
def test_a_mistake_in_the_environment_names_the_variable(
    load: Load, environ: Mapping[str, str], complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(CONTRACT, environ=environ)

    assert caught.value.detail.startswith(complaint)


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        (CliOverrides(refresh_seconds=0.0), "--refresh: defaults.refresh_seconds: should be greater"),
        (CliOverrides(url="redis://u:hunter2@h"), "--url: no password in a URL"),
    ],
    ids=["refresh", "url"],
)
def test_a_mistake_on_the_command_line_names_the_option(load: Load, overrides: CliOverrides, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(CONTRACT, overrides=overrides)

    assert caught.value.detail.startswith(complaint)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o620])
def test_a_password_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(mode)
    file = write_config(tmp_path, INSTANCE + 'password_file = "secret"\n')

    with pytest.raises(ConfigError) as caught:
        load_from(file)

    assert caught.value.detail == (
        f"{file}:4: instances[0].password_file: {secret} can be read by others (mode {mode:04o}): chmod 600 {secret}"
    )
    secret.chmod(0o600)
    assert load_from(file).instances[0].password_file == str(secret)


def test_paths_are_relative_to_the_file_or_the_home_folder(tmp_path: Path) -> None:
    text = '[[instances]]\nname = "a"\nurl = "rediss://a"\nca_file = "~/ca.pem"\npassword_file = "pw"\n'
    file = write_config(tmp_path / "there", text)

    (instance,) = load_from(file, environ={"HOME": "/home/me"}).instances

    assert (instance.ca_file, instance.password_file) == ("/home/me/ca.pem", str(tmp_path / "there" / "pw"))


def test_an_instance_inherits_the_thresholds_it_does_not_set(load: Load) -> None:
    text = "[defaults.thresholds]\nmemory_critical = 0.99\n" + INSTANCE + "thresholds = { memory_warning = 0.95 }\n"

    limits = load(text).instances[0].thresholds

    assert limits is not None
    assert (limits.memory_warning, limits.memory_critical) == (0.95, 0.99)


def test_a_file_asked_for_must_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"

    with pytest.raises(ConfigError, match="there is no such file"):
        load_from(missing)
    with pytest.raises(ConfigError, match="there is no such file"):
        load_settings(config_file=None, environ={"DFLY_TUI_CONFIG": str(missing)}, overrides=NO_OVERRIDES)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin1.toml").write_bytes(b'[defaults]\ntheme = "\xe4"\n')

    with pytest.raises(ConfigError, match=r"latin1\.toml: not UTF-8"):
        load_from(tmp_path / "latin1.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load_from(tmp_path)


def test_where_the_file_is_looked_for(tmp_path: Path) -> None:
    environ = {"HOME": "/home/me"}
    assert config_path(None, environ) == Path("/home/me/.config/dfly-tui/config.toml")
    assert config_path(None, environ | {"XDG_CONFIG_HOME": "/x"}) == Path("/x/dfly-tui/config.toml")
    assert config_path(None, environ | {"DFLY_TUI_CONFIG": "~/c.toml"}) == Path("/home/me/c.toml")
    assert config_path(tmp_path, environ | {"DFLY_TUI_CONFIG": "/y"}) == tmp_path


@given(st.text(max_size=60))
def test_no_address_makes_it_crash(typed: str) -> None:
    with suppress(ConfigError):
        assert ":" in instance_from_url(typed, environ={}).address


@given(st.text(max_size=80))
def test_no_file_makes_it_crash(text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="replace", suffix=".toml") as file:
        file.write(text)
        file.flush()
        with suppress(ConfigError):
            assert load_from(Path(file.name)).instances == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"#" * (1 << 20) + b"\n", "larger than 1 MiB"),
        (b"\xff\xfe[\x00d\x00", "not UTF-8 text"),
        (b"a = " + b"[" * 50_000, "not valid TOML"),
        (b"a = " + b"9" * 10_000, "not valid TOML"),
        (b"defaults = 5", "defaults: should be a valid dictionary"),
        (b"instances = 5", "instances: should be tables: [[instances]]"),
        (b"[instances]\nname = 'a'", "instances: should be tables: [[instances]]"),
        (b"[[instances]]\nname = 'a'\nurl = 'redis://..'", "instances[0].url: not a URL"),
        (b"[[instances]]\nname = 'a'\nurl = 'redis://" + b"a" * 64 + b".org'", "instances[0].url: not a URL"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load_settings(config_file=path, environ={}, overrides=NO_OVERRIDES)

    assert str(path) in caught.value.detail
    assert words in caught.value.detail


def test_a_file_from_windows_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[defaults]\r\nrefresh_seconds = 3.0\r\n")

    assert load_settings(config_file=path, environ={}, overrides=NO_OVERRIDES).defaults.refresh_seconds == 3.0


def test_a_stream_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load_settings(config_file=Path("/dev/zero"), environ={}, overrides=NO_OVERRIDES)


def test_many_instances(load: Load) -> None:
    tables = "".join(f"[[instances]]\nname = 'n{number}'\nurl = 'redis://h'\n" for number in range(5000))

    assert len(load(tables).instances) == 5000
