"""What `make pictures` makes is what the repository has."""

from pathlib import Path

import pytest

from docs import generate


def test_the_readme_lists_the_keys_there_are() -> None:
    readme = generate.README.read_text("utf-8")
    assert generate.with_key_table(readme) == readme, "run `make pictures`"


@pytest.mark.parametrize("picture", generate.ALL, ids=lambda picture: picture.name)
async def test_the_pictures_show_the_program_as_it_is(picture: generate.Picture, tmp_path: Path) -> None:
    drawn = await generate.draw(picture, tmp_path)
    assert (generate.PICTURES / f"{picture.name}.svg").read_text("utf-8") == drawn, "run `make pictures`"


def test_the_readme_shows_every_picture() -> None:
    readme = generate.README.read_text("utf-8")
    for picture in generate.ALL:
        assert f"docs/pictures/{picture.name}.svg" in readme
