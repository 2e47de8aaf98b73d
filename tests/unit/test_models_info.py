import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.models.info import Info, fields_of

TEXT = (
    "# Server\r\nredis_version:7.4.0\r\nempty:\r\n\r\n"
    "# Modules\r\nmodule:name=ReJSON,ver=20000\r\nmodule:name=search,ver=20810\r\n\r\n"
    "# Errorstats\r\nno such key: a:b:3\r\n\r\n# CPU\r\nused_cpu_sys:12.345\r\n"
)


def test_lines_keep_their_order_and_their_section() -> None:
    assert list(Info.parse(TEXT).lines()) == [
        ("Server", "redis_version", "7.4.0"), ("Server", "empty", ""), ("Modules", "module", "name=ReJSON,ver=20000"),
        ("Modules", "module", "name=search,ver=20810"), ("Errorstats", "no such key: a:b", "3"),
        ("CPU", "used_cpu_sys", "12.345"),
    ]  # fmt: skip


def test_a_key_that_repeats() -> None:
    info = Info.parse(TEXT)
    assert info.all("module") == ["name=ReJSON,ver=20000", "name=search,ver=20810"]
    assert info.text("module") == "name=search,ver=20810"


def test_sections_by_name() -> None:
    assert Info.parse(TEXT).section("cpu") == {"used_cpu_sys": "12.345"}
    assert Info.parse(TEXT).section("nosuch") == {}


@pytest.mark.parametrize(("value", "seconds"), [("12.345", 12.000345), ("0.000345", 0.000345), ("7", 7.0), ("x", None)])
def test_cpu_times_have_no_leading_zeros(value: str, seconds: float | None) -> None:
    info = Info.parse(f"# CPU\r\nused_cpu_sys:{value}")
    assert info.cpu_seconds("used_cpu_sys") == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("value", "whole", "real", "flag"),
    [("1", 1, 1.0, True), ("0", 0, 0.0, False), ("-1", -1, -1.0, None), ("1.5", None, 1.5, None),
     ("nan", None, None, None), ("inf", None, None, None), ("", None, None, None), ("12x", None, None, None)],
)  # fmt: skip
def test_numbers(value: str, whole: int | None, real: float | None, flag: bool | None) -> None:
    info = Info.parse(f"key:{value}\r\n")
    assert (info.whole("key"), info.real("key"), info.flag("key")) == (whole, real, flag)


def test_what_is_absent_is_none() -> None:
    info = Info.parse("")
    assert (info.text("a"), info.whole("a"), info.real("a"), info.flag("a"), info.cpu_seconds("a")) == (None,) * 5
    assert not info.has("a")


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    info = Info.parse(raw)
    list(info.lines())
    info.render()


@given(st.integers(min_value=0, max_value=len(TEXT)))
def test_a_reply_cut_anywhere_gives_what_it_has(length: int) -> None:
    whole, part = list(Info.parse(TEXT).lines()), list(Info.parse(TEXT[:length]).lines())
    assert part[:-1] == whole[: len(part) - 1] if part else True


_NAME = st.text("abcdefgh_0123456789", min_size=1)
_VALUE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])).filter(
    lambda text: text == text.rstrip("\r")
)


@given(st.lists(st.tuples(_NAME, st.lists(st.tuples(_NAME, _VALUE), min_size=1)), min_size=1))
def test_what_is_rendered_is_what_was_parsed(sections: list[tuple[str, list[tuple[str, str]]]]) -> None:
    text = "\r\n".join(
        f"# {name}\r\n" + "".join(f"{key}:{value}\r\n" for key, value in fields) for name, fields in sections
    )
    assert Info.parse(text).render() == text


def test_composite_values() -> None:
    assert fields_of("ip=10.0.0.1,port=6379,state=online,lag=0") == {
        "ip": "10.0.0.1", "port": "6379", "state": "online", "lag": "0",
    }  # fmt: skip
    assert fields_of("odd") == {"odd": ""}
