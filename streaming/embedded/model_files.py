"""Where the files of Moonshine tiny-en are, and its tokenizer's: without loading the model."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from streaming.errors import RecognizerUnavailable

INSTALL = "install moonshine-voice==0.0.73 (later versions carry no model) and onnxruntime"

_SPECIAL = re.compile(rb"<unk>|</?s>|<<ST_\d+>>")


def model_folder() -> Path:
    """Return the folder of tiny-en in the wheel of moonshine-voice.

    Raises RecognizerUnavailable, which says what to install.
    """
    spec = find_spec("moonshine_voice")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "assets" / "tiny-en"
        if (folder / "tokenizer.bin").is_file():
            return folder
    raise RecognizerUnavailable(f"the English model is not here: {INSTALL}")


def pieces(data: bytes) -> list[bytes]:
    """Read each token: its length in one or two bytes, then its bytes; "▁" is a space."""
    pieces = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length = data[at] * 128 + length - 128
            at += 1
        pieces.append(data[at : at + length].replace("▁".encode(), b" "))
        at += length
    return [b"" if _SPECIAL.fullmatch(piece) else piece for piece in pieces]
