"""The operator's settings of the outputs."""

from __future__ import annotations

from dataclasses import dataclass

from captioner.publishing.livekit_segments import Legacy
from captioner.transcript.folder import TranscriptPolicy


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """The operator's settings of the outputs beside the captions.

    encrypted: whether the bot has the key of encrypted rooms. transcribe_encrypted: whether their
    transcripts may be kept. recording: the name of the meeting's recording, or "".
    """

    transcripts: TranscriptPolicy | None = None
    legacy: Legacy = Legacy.OFF
    text_streams: bool = False
    encrypted: bool = False
    transcribe_encrypted: bool = False
    recording: str = ""
