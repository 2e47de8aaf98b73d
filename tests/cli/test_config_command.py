"""`dfly-tui config`."""

import re
import stat
import tomllib

from dfly_tui.cli.config import EXAMPLE
from dfly_tui.settings import Defaults, InstanceConfig, Settings, Thresholds
from dfly_tui.settings_backup import BackupOverrides, BackupSettings, StoreConfig
from tests.cli.support import ROOT, Cli
from tests.support.configs import CONTRACT, load_from


def test_path_is_all_it_prints(cli: Cli) -> None:
    assert cli("config", "path").out == f"{cli.file}\n"
    assert cli("config", "path", environ={"DFLY_TUI_CONFIG": "/x.toml"}).out == "/x.toml\n"


def test_init_writes_a_private_file_that_config_check_understands(cli: Cli) -> None:
    result = cli("config", "init")

    assert (result.code, result.out) == (0, f"{cli.file}\n")
    assert stat.S_IMODE(cli.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(cli.file.parent.stat().st_mode) == 0o700
    assert cli("config", "check").code == 0


def test_init_does_not_overwrite_without_force(cli: Cli) -> None:
    cli.config("# mine\n")

    refused = cli("config", "init")
    assert (refused.code, cli.file.read_text()) == (2, "# mine\n")
    assert "--force" in refused.err

    assert cli("config", "init", "--force").code == 0
    assert cli.file.read_text() == EXAMPLE


def test_the_example_is_right_once_it_is_uncommented(cli: Cli) -> None:
    text = re.sub(r"^# (?=\[|\w+ = )", "", EXAMPLE, flags=re.MULTILINE)
    cli.config(text)

    settings = load_from(cli.file)

    assert [instance.name for instance in settings.instances] == ["workhorse", "nas"]
    assert settings.defaults == Defaults(), "the example shows the defaults"
    assert tomllib.loads(text)["defaults"]["thresholds"].keys() == Thresholds.model_fields.keys()
    assert settings != Settings()


def test_check_says_what_would_be_used_and_no_secret(cli: Cli) -> None:
    cli.config(CONTRACT + "[[instances]]\nname = 'c'\nurl = 'rediss://c'\npassword_env = 'C_PW'\n")

    result = cli("config", "check", environ={"C_PW": "hunter2"})

    assert (result.code, result.err) == (0, "")
    assert "hunter2" not in result.out
    blocks = result.out.split("\n\n")
    assert blocks[0] == f"file: {cli.file}"
    assert [re.split(r"\s{2,}", line.strip()) for line in blocks[1].splitlines()] == [
        ["workhorse"],
        ["url", "redis://workhorse:6379"],
        ["user", "default"],
        ["password", "command op"],
        ["environment", "production"],
        ["group", "main"],
        ["role", "primary"],
        ["metrics", "http://workhorse:6379"],
        ["docker", "dragonfly at unix:///var/run/docker.sock"],
    ]
    assert "password     environment variable DRAGONFLY_REPLICA_PASSWORD (not set)" in blocks[2]
    assert "role         replica of workhorse" in blocks[2]
    assert "password     environment variable C_PW\n" in blocks[3]


def test_check_of_a_wrong_file_is_exit_code_2(cli: Cli) -> None:
    cli.config(CONTRACT.replace("password_env", "pasword_env"))

    result = cli("config", "check")

    assert (result.code, result.out) == (2, "")
    assert f"{cli.file}:17: instances[1].pasword_env: unknown key; did you mean password_env?" in result.err


def test_check_of_nothing_says_so(cli: Cli) -> None:
    result = cli("config", "check")

    assert (result.code, result.out, result.err) == (0, f"file: {cli.file} (not there)\n", "no instances\n")


def test_every_key_is_documented() -> None:
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "configuration.md").read_text()))

    tables = (Defaults, Thresholds, InstanceConfig, BackupSettings, BackupOverrides, StoreConfig)
    keys = {key for table in tables for key in table.model_fields} - {"thresholds"}
    assert keys - documented == set()
