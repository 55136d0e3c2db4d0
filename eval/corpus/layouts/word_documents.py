"""The paragraphs of a Word document (.docx), in which Teams and Google Meet give transcripts."""

from __future__ import annotations

import io
import zipfile
import zlib
from xml.etree import ElementTree

from eval.corpus.transcript import FormatError

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LARGEST = 64 * 2**20


def paragraphs(content: bytes, name: str) -> str:
    """Return the document's text, a line for each paragraph or line break. Raises FormatError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo("word/document.xml").file_size > _LARGEST:
                raise FormatError(f"{name}: its text is larger than 64 MiB")
            with archive.open("word/document.xml") as part:
                root = ElementTree.fromstring(part.read(_LARGEST))
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError,
            ValueError,
            ElementTree.ParseError, OSError) as error:  # fmt: skip
        raise FormatError(
            f"{name}: begins like a Word document, but is none; save it as text (.txt)"
        ) from error
    return "\n".join(_text(paragraph) for paragraph in root.iter(f"{_W}p"))


def _text(paragraph: ElementTree.Element) -> str:
    parts = []
    for element in paragraph.iter():
        if element.tag == f"{_W}t":
            parts.append(element.text or "")
        elif element.tag in (f"{_W}br", f"{_W}cr"):
            parts.append("\n")
        elif element.tag == f"{_W}tab":
            parts.append("\t")
    return "".join(parts)
