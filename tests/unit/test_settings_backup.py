"""The tables that say where backups go and how long they are kept."""

from pathlib import Path

import pytest

from dfly_tui.errors import ConfigError
from tests.support.configs import load_from, write_config

STORES = """
[[stores]]
name = "nas"
url = "/mnt/nas/dragonfly"

[[stores]]
name = "minio"
url = "s3://backups/dragonfly"
endpoint = "https://minio.example:9000"
access_key = "dfly"
password_env = "MINIO_SECRET"
"""
INSTANCE = """
[[instances]]
name = "alpha"
url = "redis://alpha:6379"
"""


def test_an_instance_has_the_common_table_with_its_own_keys_in_it(tmp_path: Path) -> None:
    text = f"[backup]\ncopy_to = ['nas']\nkeep_daily = 3\n{STORES}{INSTANCE}[instances.backup]\nkeep_daily = 14\n"
    settings = load_from(write_config(tmp_path, text))

    backup = settings.backup_of(settings.instances[0])
    assert (backup.copy_to, backup.keep_daily, backup.keep_last) == (("nas",), 14, 7)


def test_an_instance_may_copy_nothing_where_the_others_do(tmp_path: Path) -> None:
    text = f"[backup]\ncopy_to = ['nas']\n{STORES}{INSTANCE}[instances.backup]\ncopy_to = []\n"
    settings = load_from(write_config(tmp_path, text))
    assert settings.backup_of(settings.instances[0]).copy_to == ()


def test_a_home_folder_is_filled_in(tmp_path: Path) -> None:
    text = "[backup]\nfolder = '~/data'\nidentity_file = 'key.txt'\n[[stores]]\nname = 'a'\nurl = '~/backups'\n"
    settings = load_from(write_config(tmp_path, text), {"HOME": "/home/ada"})
    assert settings.backup.folder == "/home/ada/data"
    assert settings.backup.identity_file == str(tmp_path / "key.txt")
    assert settings.stores[0].url == "/home/ada/backups"


def test_a_secret_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(ConfigError, match=r"stores\[0\].password_file: .*chmod 600"):
        load_from(write_config(tmp_path, "[[stores]]\nname = 'a'\nurl = 's3://b'\npassword_file = 'key'\n"))


def test_variables_change_the_common_table(tmp_path: Path) -> None:
    settings = load_from(write_config(tmp_path, "[backup]\nkeep_daily = 3\n"), {"DFLY_TUI_BACKUP__KEEP_DAILY": "5"})
    assert settings.backup.keep_daily == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[backup]\ncopy_to = ['nsa']\n" + STORES, "no store is called nsa; there are minio, nas"),
        (STORES + INSTANCE + "[instances.backup]\ncopy_to = ['nsa']\n", "instances[0].backup.copy_to: no store"),
        (STORES + "[[stores]]\nname = 'NAS'\nurl = '/x'\n", "stores[2].name: two stores are called NAS"),
        ("[[stores]]\nname = 'a'\nurl = 'backups'\n", "expected a folder, /srv/backups, or s3://bucket/prefix"),
        ("[[stores]]\nname = 'a'\nurl = 's3://'\n", "the bucket is missing"),
        ("[[stores]]\nname = 'a'\nurl = 's3://key:secret@bucket'\n", "no keys in a URL"),
        ("[[stores]]\nname = 'a'\nurl = '/x'\nregion = 'eu'\n", "region: has a meaning for s3:// only"),
        ("[[stores]]\nname = 'a'\nurl = 's3://b'\nendpoint = 'minio:9000'\n", "expected https://host:port"),
        ("[[stores]]\nname = 'a'\nurl = 's3://b'\npassword_env = 'A'\npassword_file = '/f'\n", "one password source"),
        ("[backup]\nencrypt = 'age'\n", "nobody could read the copies: name recipients"),
        ("[backup]\nfolder = 'data'\n", "expected a folder"),
        ("[backup]\nkeep_at_least = 0\n", "keep_at_least"),
        ("[backup]\nkeep_dayly = 2\n", "did you mean keep_daily?"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_from(write_config(tmp_path, text))
    assert said in caught.value.detail
    assert "secret" not in str(caught.value)
