import os
import pwd
import stat
from pathlib import Path

import pytest

from dfly_tui.errors import ConfigError
from dfly_tui.paths import Paths, make_private_dir, write_private


def test_the_xdg_folders() -> None:
    paths = Paths.from_env({"HOME": "/home/u", "XDG_CONFIG_HOME": "/etc/me", "XDG_STATE_HOME": "/var/me"})
    assert paths.config_file == Path("/etc/me/dfly-tui/config.toml")
    assert paths.log_file == Path("/var/me/dfly-tui/dfly-tui.log")
    assert paths.audit_file.parent == paths.state_dir


def test_without_them_the_usual_places_of_the_home_folder() -> None:
    paths = Paths.from_env({"HOME": "/home/u", "XDG_STATE_HOME": "relative/is/ignored"})
    assert paths.config_dir == Path("/home/u/.config/dfly-tui")
    assert paths.state_dir == Path("/home/u/.local/state/dfly-tui")


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "here"}])
def test_without_a_home_variable_the_account_tells(environ: dict[str, str]) -> None:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert Paths.from_env(environ).config_dir == home / ".config" / "dfly-tui"


def test_without_an_account_either_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_123_456)
    with pytest.raises(ConfigError, match="HOME is not set, and user 4123456") as caught:
        Paths.from_env({"XDG_CONFIG_HOME": "/etc/me"})
    assert "XDG_STATE_HOME" in caught.value.hint


@pytest.mark.parametrize("folder", ["", "/", "somewhere"])
def test_an_account_without_a_folder_of_its_own_is_no_home(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    account = pwd.struct_passwd(("guest", "x", 4_123_456, 1, "", folder, "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: account)
    with pytest.raises(ConfigError, match="HOME is not set"):
        Paths.from_env({"HOME": ""})


def test_nobody_needs_a_home_who_says_where_the_files_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_123_456)
    paths = Paths.from_env({"XDG_CONFIG_HOME": "/etc/me", "XDG_STATE_HOME": "/var/me"})
    assert (paths.config_dir, paths.state_dir) == (Path("/etc/me/dfly-tui"), Path("/var/me/dfly-tui"))


def test_what_is_made_is_private(tmp_path: Path) -> None:
    folder = make_private_dir(tmp_path / "a")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    write_private(tmp_path / "b" / "file", "text")
    assert (tmp_path / "b" / "file").read_text() == "text"
    assert stat.S_IMODE((tmp_path / "b" / "file").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o700


def test_an_existing_folder_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert stat.S_IMODE(make_private_dir(tmp_path).stat().st_mode) == 0o755
