"""Where a restart finds a schedule: which file is ours to change, and that no more of it changes than the one line."""

import os
from pathlib import Path

import pytest

from dfly_tui.errors import StoreFailed
from dfly_tui.operations.backup.flag_file import flag_of, place_of
from dfly_tui.settings import DockerConfig
from tests.support.flags import COMPOSE, HOURLY, LOCAL, container


@pytest.mark.parametrize("form", list(COMPOSE))
def test_the_flag_is_changed_where_it_stands(tmp_path: Path, form: str) -> None:
    file, env = tmp_path / "compose.yml", tmp_path / ".env"
    file.write_text("services:\n  dragonfly:\n" + COMPOSE[form])
    env.write_text("# mine\nOTHER=1\nCRON='0 2 * * *'\n")
    env.chmod(0o640)
    seen = container("dragonfly", "--snapshot_cron=0 2 * * *", files=(str(file),))
    place = place_of(DockerConfig(host=LOCAL, container="alpha"), seen, "0 2 * * *", "0,30 * * * *")
    assert place is not None
    assert not place.is_written
    place.write("before-1")
    assert place.is_written
    changed = env if form in {"variable", "default"} else file
    assert place.path == changed
    assert "0,30 * * * *" in changed.read_text()
    assert "0 2 * * *" in changed.with_name(f"{changed.name}.before-1").read_text()
    assert (
        changed.read_text().replace("0,30 * * * *", "0 2 * * *")
        == changed.with_name(f"{changed.name}.before-1").read_text()
    )
    assert env.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- --snapshot_cron=0 2 * * *\n- --snapshot_cron=0 2 * * *\n", "it stands there twice"),
        ("- --snapshot_cron=0 3 * * *\n", "the container was not started by it"),
        ("command: [dragonfly, --snapshot_cron=0 2 * * *]\n", "a comma would end the value"),
        ("- --dir=/data\n", "it does not stand there"),
        ("- --snapshot_cron=${ELSEWHERE}\n", "nobody knows the variable"),
        ("- --snapshot_cron=${CRON}\n", "the variable says something else"),
        ("\x00\xff", "it is no text"),
        ("# - --snapshot_cron=0 2 * * *\n", "a remark is read by nobody"),
        ("# - --snapshot_cron=0 2 * * *\n- --snapshot_cron=${ELSEWHERE}\n", "a remark beside what nobody knows"),
        ("- --snapshot_cron=${ELSEWHERE}\n- --snapshot_cron=0 2 * * *\n", "one of them is of another service"),
        ("- --snapshot_cron=0 3 * * *\n- --snapshot_cron=0 2 * * *\n", "the file may have been changed since"),
        ("- DFLY_snapshot_cron=0 2 * * *\n- --snapshot_cron=0 2 * * *\n", "one of them is of another service"),
        ("- --snapshot_cron=$CRON\n- --snapshot_cron=0 2 * * *\n", "one of them is of another service"),
        ("- --snapshot_cron=${TWICE}\n", "the later of two is what counts"),
    ],
)
def test_what_is_not_sure_is_left_to_a_person(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "compose.yml"
    (tmp_path / ".env").write_text("CRON=0 4 * * *\nTWICE=0 2 * * *\nTWICE=0 5 * * *\n")
    file.write_bytes(text.encode("latin-1"))
    seen = container("dragonfly", "--snapshot_cron=0 2 * * *", files=(str(file),))
    docker = DockerConfig(host=LOCAL, container="alpha")
    assert place_of(docker, seen, "0 2 * * *", "0,30 * * * *") is None, why


@pytest.mark.parametrize("form", ["list", "variable"])
def test_of_a_file_only_the_one_line_changes(tmp_path: Path, form: str) -> None:
    file, env = tmp_path / "compose.yml", tmp_path / ".env"
    file.write_bytes(COMPOSE[form].replace("\n", "\r\n").encode())
    env.write_bytes(b"A=1\r\nCRON=0 2 * * *\r\nB=2\r\n")
    seen = container("--snapshot_cron=0 2 * * *", files=(str(file),))
    place = place_of(DockerConfig(host=LOCAL, container="alpha"), seen, "0 2 * * *", HOURLY)
    assert place is not None
    before = place.path.read_bytes()
    place.write("before-1")
    assert place.path.read_bytes() == before.replace(b"0 2 * * *", HOURLY.encode())
    assert place.path.with_name(f"{place.path.name}.before-1").read_bytes() == before


def test_the_variables_are_those_of_the_project(tmp_path: Path) -> None:
    """Compose reads the `.env` beside the first of its files, and no other."""
    first, more = tmp_path / "compose.yml", tmp_path / "more" / "over.yml"
    more.parent.mkdir()
    first.write_text("services: {}\n")
    more.write_text(COMPOSE["variable"])
    (more.parent / ".env").write_text("CRON=0 2 * * *\n")
    seen = container("--snapshot_cron=0 2 * * *", files=(str(first), str(more)))
    docker = DockerConfig(host=LOCAL, container="alpha")
    assert place_of(docker, seen, "0 2 * * *", HOURLY) is None
    (tmp_path / ".env").write_text("CRON=0 2 * * *\n")
    place = place_of(docker, seen, "0 2 * * *", HOURLY)
    assert place is not None
    assert place.path == tmp_path / ".env"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes files of others")
def test_a_file_stays_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("- --snapshot_cron=0 2 * * *\n")
    file.chmod(0o600)
    os.chown(file, 1234, 2345)
    seen = container("--snapshot_cron=0 2 * * *", files=(str(file),))
    place = place_of(DockerConfig(host=LOCAL, container="alpha"), seen, "0 2 * * *", HOURLY)
    assert place is not None
    place.write("before-1")
    for each in tmp_path.iterdir():
        assert (each.stat().st_uid, each.stat().st_gid, each.stat().st_mode & 0o777) == (1234, 2345, 0o600)


def test_what_could_not_be_given_back_to_its_owner_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("- --snapshot_cron=0 2 * * *\n")
    seen = container("--snapshot_cron=0 2 * * *", files=(str(file),))
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    assert place_of(DockerConfig(host=LOCAL, container="alpha"), seen, "0 2 * * *", HOURLY) is None


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("- --snapshot_cron=0 2 * * *\n")
    seen = container("--snapshot_cron=0 2 * * *", files=(str(file),))
    far = DockerConfig(host="tcp://elsewhere:2376", container="alpha")
    local = DockerConfig(host=LOCAL, container="alpha")
    assert place_of(far, seen, "0 2 * * *", HOURLY) is None
    assert place_of(None, seen, "0 2 * * *", HOURLY) is None
    assert place_of(local, None, "0 2 * * *", HOURLY) is None
    assert place_of(local, container("--dir=/data", files=(str(file),)), "0 2 * * *", HOURLY) is None
    missing = container("--snapshot_cron=0 2 * * *", files=("relative.yml", str(tmp_path / "missing.yml")))
    assert place_of(local, missing, "0 2 * * *", HOURLY) is None


def test_a_file_changed_since_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("- --snapshot_cron=0 2 * * *\n")
    seen = container("--snapshot_cron=0 2 * * *", files=(str(file),))
    place = place_of(DockerConfig(host=LOCAL, container="alpha"), seen, "0 2 * * *", HOURLY)
    assert place is not None
    file.write_text("- --snapshot_cron=0 2 * * *\n- more\n")
    with pytest.raises(StoreFailed, match="changed since"):
        place.write("before-1")
    assert "more" in file.read_text()


def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("- --snapshot_cron=0 2 * * *\n")
    seen = container("--snapshot_cron=0 2 * * *", files=(str(file),))
    place = place_of(DockerConfig(host=LOCAL, container="alpha"), seen, "0 2 * * *", HOURLY)
    assert place is not None

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dfly_tui.operations.backup.flag_file.write_private", full)
    with pytest.raises(StoreFailed, match="No space left"):
        place.write("before-1")


@pytest.mark.parametrize(
    ("command", "flag"),
    [(("dragonfly", "--snapshot_cron=0 2 * * *"), "0 2 * * *"), (("-snapshot_cron=",), ""), (("--dir=/data",), None)],
)
def test_the_flag_of_a_command_line(command: tuple[str, ...], flag: str | None) -> None:
    assert flag_of(command) == flag
