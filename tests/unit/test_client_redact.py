import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.clients.redact import MASK, masked_arguments, masked_command, masked_settings

SECRET = "hunter2"


@pytest.mark.parametrize(
    "words",
    [
        ["AUTH", SECRET],
        ["auth", "default", SECRET],
        ["HELLO", "3", "AUTH", "default", SECRET, "SETNAME", "app"],
        ["CONFIG", "SET", "requirepass", SECRET],
        ["config", "set", "maxmemory", "1gb", "masterauth", SECRET],
        ["ACL", "SETUSER", "viewer", "on", f">{SECRET}", "~*", "+@read"],
        ["ACL", "SETUSER", "viewer", f"<{SECRET}"],
        ["MIGRATE", "h", "6379", "", "0", "5000", "AUTH", SECRET, "KEYS", "a"],
        ["MIGRATE", "h", "6379", "", "0", "5000", "AUTH2", "u", SECRET, "KEYS", "a"],
    ],
)
def test_commands_lose_their_passwords_and_nothing_else(words: list[str]) -> None:
    masked = masked_command(words)
    assert SECRET not in " ".join(masked)
    assert MASK in " ".join(masked)
    assert len(masked) == len(words)
    assert masked[0] == words[0]
    assert [word for word in masked if word in ("maxmemory", "KEYS", "~*", "SETNAME")] == [
        word for word in words if word in ("maxmemory", "KEYS", "~*", "SETNAME")
    ]


@pytest.mark.parametrize(
    "words", [["SET", "auth", "x"], ["GET", "password"], ["CONFIG", "SET", "maxmemory", "1gb"], [], ["PING"]]
)
def test_other_commands_stay(words: list[str]) -> None:
    assert masked_command(words) == tuple(words)


@given(st.lists(st.text()))
def test_any_command_can_be_masked(words: list[str]) -> None:
    assert len(masked_command(words)) == len(words)


@pytest.mark.parametrize(
    "words",
    [
        ["dragonfly", f"--requirepass={SECRET}", "--maxmemory=8gb"],
        ["dragonfly", "--requirepass", SECRET, "--maxmemory=8gb"],
        ["redis-server", "--port", "6379", "--masterauth", SECRET, "--save", ""],
        ["redis-server", "requirepass", SECRET],
        ["redis-cli", "-a", SECRET, "PING"],
        ["redis-cli", "-u", f"redis://:{SECRET}@host:6379"],
        ["sh", "-c", f"exec dragonfly --requirepass {SECRET} --dir /data"],
        ["sh", "-c", f"A=b; dragonfly --requirepass={SECRET} --dir=/data"],
        ["env", f"DFLY_requirepass={SECRET}", "dragonfly"],
        [f"--requirepass={SECRET} with blanks"],
    ],
)
def test_command_lines_lose_their_passwords(words: list[str]) -> None:
    masked = masked_arguments(words)
    assert SECRET not in " ".join(masked)
    assert MASK in " ".join(masked)
    assert len(masked) == len(words)


@pytest.mark.parametrize(
    "words",
    [
        ["dragonfly", "--logtostderr", "--tls_key_file=/etc/tls/key.pem", "--admin_nopass", "--aclfile=/x"],
        ["dragonfly", "--primary_port_http_enabled=false", "--snapshot_cron=0 2 * * *"],
        ["redis-server", "--requirepass="],
    ],
)
def test_other_command_lines_stay(words: list[str]) -> None:
    assert masked_arguments(words) == tuple(words)


def test_settings_keep_their_order_and_empty_secrets() -> None:
    settings = {"requirepass": SECRET, "masterauth": "", "maxmemory": "1", "masteruser": "repl", "tls_key_file": "k"}
    assert list(masked_settings(settings).items()) == [
        ("requirepass", MASK), ("masterauth", ""), ("maxmemory", "1"), ("masteruser", "repl"), ("tls_key_file", "k"),
    ]  # fmt: skip
