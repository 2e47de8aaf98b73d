"""Hides what must not be seen in a reply: passwords that the server gives away, and those it repeats in an error."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from dfly_tui.clients.redact import MASK, is_secret_name, masked_command
from dfly_tui.models.console import ReplyKind, ReplyNode

_MASK = MASK.encode()
_ACL_SECRET = re.compile(rb"(?<=[ \x00])[#>][^ ]+")
_SHOWS_USERS = ("ACL LIST", "ACL GETUSER")


def text_words(words: Sequence[bytes]) -> list[str]:
    """Words as text, for what knows of secrets; no byte is lost."""
    return [word.decode("utf-8", "surrogateescape") for word in words]


def secrets_of(words: Sequence[bytes]) -> list[bytes]:
    """The secrets in a command."""
    text = text_words(words)
    hidden = [word for word, masked in zip(text, masked_command(text), strict=False) if word != masked]
    found = {word[1:] if text[0].upper() == "ACL" else word for word in hidden}
    return sorted((word.encode("utf-8", "surrogateescape") for word in found if word), key=len, reverse=True)


def masked_reply(words: Sequence[bytes], reply: ReplyNode) -> ReplyNode:
    """The reply to a command without secrets: neither the command's own, nor those the server shows."""
    upper = [word.upper() for word in text_words(words)]
    name = " ".join(upper[:2])
    if name == "CONFIG GET":
        reply = _pairs(reply)
    elif name == "SLOWLOG GET":
        reply = replace(reply, items=tuple(map(_slow, reply.items)))
    elif name in _SHOWS_USERS:
        reply = _each_text(reply, lambda text: _ACL_SECRET.sub(b"#" + _MASK, b"\x00" + text)[1:])
        reply = _passwords(reply) if name == "ACL GETUSER" else reply
    for secret in secrets_of(words):
        reply = _each_text(reply, lambda text, secret=secret: text.replace(secret, _MASK))  # type: ignore[misc]
    return reply


def _each_text(reply: ReplyNode, change: Callable[[bytes], bytes]) -> ReplyNode:
    text = change(reply.text) if reply.text else b""
    size = reply.size + len(text) - len(reply.text)
    return replace(reply, text=text, size=size, items=tuple(_each_text(item, change) for item in reply.items))


def _hidden(node: ReplyNode) -> ReplyNode:
    """Nothing of it; that it is empty may be known."""
    if node.items:
        return replace(node, items=tuple(map(_hidden, node.items)))
    return ReplyNode(ReplyKind.STRING, _MASK, size=len(_MASK)) if node.text else node


def _pairs(reply: ReplyNode) -> ReplyNode:
    """Names and values in turns; values of secret names hidden."""
    items = list(reply.items)
    for at in range(0, len(items) - 1, 2):
        if is_secret_name(items[at].text.decode("utf-8", "backslashreplace")):
            items[at + 1] = _hidden(items[at + 1])
    return replace(reply, items=tuple(items))


def _passwords(reply: ReplyNode) -> ReplyNode:
    """What ACL GETUSER says behind `passwords`."""
    items = list(reply.items)
    for at in range(0, len(items) - 1, 2):
        if items[at].text.lower() == b"passwords":
            items[at + 1] = _hidden(items[at + 1])
    return replace(reply, items=tuple(items))


def _slow(entry: ReplyNode) -> ReplyNode:
    """An entry of the slow log; its fourth part is the command."""
    if len(entry.items) < 4:
        return entry
    command = entry.items[3]
    masked = masked_command(text_words([item.text for item in command.items])) if command.items else ()
    texts = [word.encode("utf-8", "surrogateescape") for word in masked]
    words = tuple(
        replace(item, text=text, size=item.size + len(text) - len(item.text))
        for item, text in zip(command.items, texts, strict=False)
    )
    items = (*entry.items[:3], replace(command, items=words), *entry.items[4:])
    return replace(entry, items=items)
