"""JSON laid out anew without being read into anything: numbers, their digits and double keys stay what they are."""

import json
import re

from dfly_tui.decode.values import LinesFull, NotThis, Page, Shown

_TOKEN = re.compile(
    r"[ \t\r\n]*+(?:(?P<mark>[{}\[\],:])"
    r'|(?P<string>"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+")'
    r"|(?P<word>-?(?:(?:0|[1-9]\d*+)(?:\.\d++)?+(?:[eE][+-]?\d++)?+|Infinity)|true|false|null|NaN)(?![\w.]))"
)
_BLANK = re.compile(r"[ \t\r\n]*")
_CUT = re.compile(r'[ \t\r\n]*(?:"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+\\?|[-+.\w]*)')
"""What may be left of a token at the end of what is there."""
_MOST_INDENT = 32
_ENOUGH_TOKENS = 8

_VALUE, _VALUE_OR_END, _KEY, _KEY_OR_END, _COLON, _COMMA, _DONE = range(7)


class _Layout:
    """Tokens to lines. `expects` is what may come next."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._line: list[str] = []
        self._open: list[str] = []
        self._is_empty = False
        self.expects = _VALUE
        self.tokens = 0

    @property
    def is_complete(self) -> bool:
        return self.expects == _DONE

    @property
    def is_container(self) -> bool:
        return bool(self._open)

    def take(self, kind: str, text: str) -> bool:
        """Add one token; whether it may stand here."""
        if self.expects == _DONE and (kind != "mark" or text in "{["):
            self._end_line()
            self.expects = _VALUE
        taken = self._mark(text) if kind == "mark" else self._scalar(kind, text)
        self.tokens += taken
        return taken

    def _scalar(self, kind: str, text: str) -> bool:
        if self.expects in {_KEY, _KEY_OR_END}:
            if kind != "string":
                return False
            self._item(_readable(text))
            self.expects = _COLON
            return True
        if self.expects not in {_VALUE, _VALUE_OR_END}:
            return False
        self._item(_readable(text) if kind == "string" else text)
        self._value_done()
        return True

    def _mark(self, text: str) -> bool:
        if text in "{[" and self.expects in {_VALUE, _VALUE_OR_END}:
            self._item(text)
            self._open.append(text)
            self._is_empty = True
            self.expects = _KEY_OR_END if text == "{" else _VALUE_OR_END
        elif text in "}]" and self._open and self._open[-1] == ("{" if text == "}" else "["):
            if self.expects not in {_COMMA, _KEY_OR_END if text == "}" else _VALUE_OR_END}:
                return False
            self._open.pop()
            if not self._is_empty:
                self._end_line()
            self._line.append(text)
            self._is_empty = False
            self._value_done()
        elif text == "," and self.expects == _COMMA and self._open:
            self._line.append(",")
            self._end_line()
            self.expects = _KEY if self._open[-1] == "{" else _VALUE
        elif text == ":" and self.expects == _COLON:
            self._line.append(": ")
            self.expects = _VALUE
        else:
            return False
        return True

    def _item(self, text: str) -> None:
        if self._is_empty:
            self._end_line()
            self._is_empty = False
        self._line.append(text)

    def _value_done(self) -> None:
        self.expects = _COMMA if self._open else _DONE

    def _end_line(self) -> None:
        self.flush()
        self._line.append("  " * min(len(self._open), _MOST_INDENT))

    def flush(self) -> None:
        """Write what is there of a line."""
        if text := "".join(self._line):
            self._page.add(text)
        self._line.clear()


def json_text(data: bytes, *, truncated: bool = False) -> Shown:
    """JSON, one member a line; several documents follow each other.

    Where it stops being JSON the lines stop, and the note says where.

    Raises:
        NotThis: It does not even begin as JSON.
    """
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    page = Page()
    layout = _Layout(page)
    at, note = 0, ""
    try:
        while (match := _TOKEN.match(text, at)) is not None:
            kind = match.lastgroup or ""
            if not layout.take(kind, match.group(kind)):
                break
            at = match.end()
        layout.flush()
    except LinesFull:
        note = f"json: the first {len(page.lines):,} lines; there are more"
        return Shown(page.lines, at, note)
    if not layout.tokens:
        raise NotThis("it does not begin as JSON does")
    rest = _BLANK.match(text, at)
    if layout.is_complete and rest is not None and rest.end() == len(text):
        return Shown(page.lines, len(data))
    return _partial(text, at, layout, page, truncated=truncated)


def _partial(text: str, at: int, layout: _Layout, page: Page, *, truncated: bool) -> Shown:
    cut = _CUT.fullmatch(text, at)
    position = len(text[:at].encode("utf-8", "surrogateescape"))
    if cut is not None and layout.is_container:
        why = "it goes on" if truncated else "it ends early"
        return Shown(page.lines, position, f"json: {why}", 1.0 if layout.tokens >= 3 else 0.3)
    sure = 1.0 if at * 2 >= len(text) and layout.tokens >= _ENOUGH_TOKENS else 0.0
    return Shown(page.lines, position, f"json: no JSON from byte {position:,} on", sure)


def _readable(token: str) -> str:
    """A string with its `\\u00e9` as letters; what is not fit to be seen is made visible later on."""
    if "\\u" not in token:
        return token
    try:
        return json.dumps(json.loads(token), ensure_ascii=False)
    except ValueError:
        return token
