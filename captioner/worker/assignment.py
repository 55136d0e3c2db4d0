"""What a bot is to do, as the metadata of a dispatch say it. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

from streaming.embedded.vocabulary import entries

METADATA_MAX = 20_000
RECORDING_MAX = 200


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a bot is to do: caption ``room``, by ``dispatch``, which was there at ``since_ms``.

    recording: the name of the media server's recording of the meeting; "" if none was said.
    words: names and terms that may be said; they are on no disk. unheard_ms: when a bot was last
    there with others; 0 if there was none before.
    """

    room: str
    identity: str
    dispatch: str
    since_ms: int
    recording: str = ""
    words: tuple[str, ...] = ()
    unheard_ms: int = 0

    @classmethod
    def of(cls, room: str, identity: str, dispatch: str, since_ms: int, metadata: str) -> Self:
        """With what a dispatch's metadata say: ``{"recording": "…", "vocabulary": ["…"]}``."""
        said = _said(metadata)
        name, words = said.get("recording"), said.get("vocabulary")
        listed = words if isinstance(words, list) else []
        return cls(
            room, identity, dispatch, since_ms,
            recording=name[:RECORDING_MAX] if isinstance(name, str) else "",
            words=entries(word for word in listed if isinstance(word, str)),
        )  # fmt: skip

    def metadata(self) -> str:
        """Those of a dispatch that asks for the same, for a room that has its bot already."""
        said = {"captioned": True, "recording": self.recording, "vocabulary": self.words}
        return json.dumps({name: value for name, value in said.items() if value})


def is_captioned(metadata: str) -> bool:
    """Whether a dispatch only stands for one that the media server has lost: a bot is there."""
    return _said(metadata).get("captioned") is True


def _said(metadata: str) -> dict[str, object]:
    try:
        found = json.loads(metadata[:METADATA_MAX] or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
