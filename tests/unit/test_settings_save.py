"""Adding an instance to the configuration file."""

import stat
from pathlib import Path

import pytest

from dfly_tui.errors import ConfigError
from dfly_tui.settings import DockerConfig, Environment, InstanceConfig, Thresholds
from dfly_tui.settings_save import save_instance, write_config
from tests.support.configs import CONTRACT, load_from
from tests.support.configs import write_config as write_config_text

NEW = InstanceConfig(
    name="new “one”",
    url="redis://new:7000",
    password_prompt=True,
    environment=Environment.PRODUCTION,
    docker=DockerConfig(container="c"),
    thresholds=Thresholds(memory_warning=0.5),
)


def test_a_saved_instance_is_loaded_again_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new-folder" / "config.toml"

    save_instance(file, NEW)

    assert load_from(file).instances == (NEW,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_what_was_in_the_file_stays_comments_included(tmp_path: Path) -> None:
    file = write_config_text(tmp_path, CONTRACT + "\n[keymap]  # mine\nquit = 'Q'\n")

    save_instance(file, NEW)

    written = file.read_text()
    assert [line for line in CONTRACT.splitlines() if line not in written] == []
    assert "[keymap]  # mine" in written
    settings = load_from(file)
    assert [instance.name for instance in settings.instances] == ["workhorse", "nas", NEW.name]
    assert settings.keymap == {"quit": "Q"}


def test_a_taken_name_and_a_broken_file_are_refused_and_left_alone(tmp_path: Path) -> None:
    file = write_config_text(tmp_path, CONTRACT)
    with pytest.raises(ConfigError, match="nas is there already"):
        save_instance(file, NEW.model_copy(update={"name": "nas"}))
    assert file.read_text() == CONTRACT

    for broken in ("[defaults\n", "instances = [{name='a', url='redis://a'}]\n"):
        file.write_text(broken)
        with pytest.raises(ConfigError, match=r"config\.toml"):
            save_instance(file, NEW)
        assert file.read_text() == broken


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real = write_config_text(tmp_path / "dotfiles", CONTRACT)
    link = tmp_path / "config.toml"
    link.symlink_to(real)

    save_instance(link, NEW)

    assert link.is_symlink()
    assert len(load_from(real).instances) == 3


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="cannot be written"):
        write_config(tmp_path / "file" / "config.toml", "")


def test_a_write_that_fails_half_way_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    file = write_config_text(tmp_path, CONTRACT)

    with pytest.raises(UnicodeEncodeError):
        write_config(file, "\ud800")

    assert file.read_text() == CONTRACT
    assert list(tmp_path.iterdir()) == [file]
