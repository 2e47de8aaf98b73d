import pytest

from dfly_tui.clients.address import Address
from dfly_tui.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://workhorse", Address("workhorse")),
        ("redis://workhorse:7000/3", Address("workhorse", 7000, 3)),
        ("rediss://10.0.0.1:6380/", Address("10.0.0.1", 6380, tls=True)),
        ("redis://[fd00::1]:6379", Address("fd00::1", 6379)),
    ],
)
def test_what_a_url_says(url: str, address: Address) -> None:
    assert Address.parse(url) == address


def test_it_prints_as_it_is_dialled() -> None:
    assert str(Address.parse("redis://[fd00::1]")) == "[fd00::1]:6379"
    assert Address.parse("rediss://h:7000").http_url == "https://h:7000"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("workhorse:6379", "redis://host:port"),
        ("http://workhorse", "redis://host:port"),
        ("redis://", "host is missing"),
        ("redis://h:0", "port is missing"),
        ("redis://h:99999", "not a URL"),
        ("redis://h/db", "database number"),
        ("redis://h/-1", "database number"),
        ("redis://h?ssl=1", "options"),
        ("redis://h\n", "control characters"),
        ("redis://viewer@h", "user in the URL"),
    ],
)
def test_what_is_wrong_with_a_url(url: str, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Address.parse(url)
    assert word in caught.value.detail


@pytest.mark.parametrize("url", ["redis://:hush@h", "redis://u:hush@h:1/2", "rediss://u:hush@"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Address.parse(url)
    assert "password_env" in caught.value.detail + caught.value.hint
    assert "hush" not in str(caught.value) + caught.value.hint
