"""What bytes mean: decoders that are stacked (base64 of gzip of JSON) and guessed. Pure; nothing in a value is run.

Whatever the bytes are, there is an answer: as much as could be decoded, else a hex dump. All of it is bounded, and
every line is fit for a screen.
"""

from dfly_tui.decode.stack import DECODERS, decode, guess, parse_stack, plain
from dfly_tui.decode.values import Decoded, is_text

__all__ = ["DECODERS", "Decoded", "decode", "guess", "is_text", "parse_stack", "plain"]
