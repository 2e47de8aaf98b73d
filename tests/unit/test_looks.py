"""What the configuration says about looks and keys is checked before the screen is taken over."""

from pathlib import Path

import pytest

import themes
from dfly_tui.errors import ConfigError
from dfly_tui.settings import THEMES
from screens.commands import COMMANDS, check_keymap
from tests.support.configs import load_from, write_config


def test_the_themes_that_may_be_configured_are_the_ones_there_are() -> None:
    assert list(THEMES) == [theme.name for theme in themes.THEMES]


def test_an_unknown_theme_is_an_error_that_lists_the_themes(tmp_path: Path) -> None:
    file = write_config(tmp_path, '[defaults]\ntheme = "nord"\n')
    with pytest.raises(ConfigError, match=r"defaults\.theme.*dfly-dark, dfly-light"):
        load_from(file)


def test_a_keymap_for_a_command_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no command app\.pauze; did you mean app\.pause\?"):
        check_keymap({"app.refresh": "f5", "app.pauze": "f6"})


def test_command_ids_are_unique() -> None:
    ids = [command.id for command in COMMANDS]
    assert len(ids) == len(set(ids))
