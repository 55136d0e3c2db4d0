"""The models of the embedded engine: which there are, for which languages, and how each is used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Protocol

from streaming.audio import Pcm
from streaming.embedded import weights
from streaming.embedded.agreement import AgreementPolicy
from streaming.embedded.hallucinations import INVENTIONS, Limits
from streaming.embedded.model_files import model_folder
from streaming.embedded.policy import DecoderPolicy
from streaming.embedded.stream_job import SpeechModel
from streaming.errors import RecognizerUnavailable
from streaming.recognizer import primary

AUTO = "auto"

ENGLISH = DecoderPolicy()
"""How Moonshine is used."""

WHISPER = DecoderPolicy(
    intervals=((0, 600), (4_000, 700), (8_000, 800)),
    shortest_ms=320,
    share=0.9,
    file_ms=2_000,
    deaf_ms=(350, 900),
    agreement=AgreementPolicy(
        vote_ms=320,
        show=2.0,
        settle=5.0,
        revise=3.0,
        patience=2.0,
        again=inf,
        sure=0.9,
        doubt=0.35,
        after_ms=300,
        likely=0.3,
        apart_ms=450,
    ),
    limits=Limits(inventions=INVENTIONS),
)
"""How Whisper is used.

Its decodes are rarer than Moonshine's, and it tells where a word is, so that fewer of them decide.
A word of less than the probability ``likely`` waits for another decode all the same, which takes
back fewer words and costs no time. The later a word is settled, the fewer are wrong and the more
are taken back: docs/quality.md has the curve.
"""

LANGUAGES = (
    "en", "fr", "de", "es", "it", "pt", "nl",
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy",
    "da", "el", "et", "eu", "fa", "fi", "fo", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht",
    "hu", "hy", "id", "is", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo",
    "lt", "lv", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nn", "no", "oc",
    "pa", "pl", "ps", "ro", "ru", "sa", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "su",
    "sv", "sw", "ta", "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz", "vi", "yi",
    "yo", "zh",
)  # fmt: skip
"""What Whisper base knows."""


class Loaded(Protocol):
    """A model in memory, for all streams of the process."""

    def speaking(self, language: str) -> SpeechModel:
        """Return the model for one of its languages."""
        ...

    def detect_language(self, pcm: Pcm, among: Sequence[str] = ()) -> Mapping[str, float]:
        """Return the probability of each language for a voice in float32[n] at 16 kHz.

        among: primary tags of the only languages that there can be; all if empty.
        """
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be loaded.

    languages: BCP 47 primary tags. load: takes the number of decodes in parallel, and may raise
    RecognizerUnavailable. origin: where it comes from, and its licence. folder: gives that of its
    files, checked, and may raise RecognizerUnavailable. streams: at once on one processor.
    delay_ms: as in ``Capabilities``. in_bad_rooms: a slower model that hears better there.
    """

    name: str
    languages: tuple[str, ...]
    load: Callable[[int], Loaded]
    origin: str = ""
    folder: Callable[[], Path] = Path
    policy: DecoderPolicy = ENGLISH
    streams: int = 4
    delay_ms: int = 600
    in_bad_rooms: Model | None = None

    @property
    def names(self) -> str:
        """Its name, and that of the model for bad rooms."""
        other = self.in_bad_rooms
        return f"{self.name} ({other.name} in bad rooms)" if other else self.name

    def knows(self, language: str) -> bool:
        """Return whether it knows ``language``, by its primary BCP 47 subtag."""
        return primary(language) in self.languages


TINY_EN = Model(
    "tiny-en", ("en",), lambda _: _moonshine(),
    "Moonshine tiny-en, MIT, from moonshine-voice 0.0.73", model_folder,
)  # fmt: skip
BASE = Model(
    "base", LANGUAGES, lambda threads: _whisper(weights.checked_folder(), threads),
    "OpenAI's Whisper base, MIT, from Systran/faster-whisper-base@"
    f"{weights.REVISION[:7]} or {' and '.join(weights.PACKAGES)}",
    weights.checked_folder, WHISPER, streams=2, delay_ms=1_200,
)  # fmt: skip


def installed(choice: str = AUTO, *, device: str = "cpu") -> tuple[Model, ...]:
    """Return the models to use, in order of preference: a language takes the first that knows it.

    choice: "auto", "tiny-en", "base", or the path of a folder. Raises RecognizerUnavailable.
    """
    match choice:
        case "auto":
            if not weights.is_here():
                return (TINY_EN,)
            return (replace(TINY_EN, in_bad_rooms=BASE), BASE)
        case "tiny-en":
            return (TINY_EN,)
        case "base":
            return (BASE,)
        case path:
            return (_in_folder(Path(path), device), TINY_EN)


def _in_folder(folder: Path, device: str) -> Model:
    if not folder.is_dir():
        raise RecognizerUnavailable(
            f"CAPTIONER_MODEL is auto, tiny-en, base, or a folder: there is no folder {folder}"
        )
    return Model(
        folder.name, _languages_of(folder), lambda threads: _whisper(folder, threads, device),
        f"the folder {folder}", lambda: folder, WHISPER, streams=2, delay_ms=1_200,
    )  # fmt: skip


def _moonshine() -> Loaded:
    # Not above: onnxruntime starts a thread when it is imported, and a worker forks its bots.
    from streaming.embedded.moonshine import Moonshine

    return Moonshine()


def _whisper(folder: Path, threads: int, device: str = "cpu") -> Loaded:
    # Not above: it takes 16 MB, and most English rooms, each a process, need no Whisper.
    from streaming.embedded.whisper import Whisper

    return Whisper(folder, workers=threads, device=device)


def _languages_of(folder: Path) -> tuple[str, ...]:
    """Return what a Whisper model's tokenizer knows. Raises RecognizerUnavailable."""
    path = folder / "tokenizer.json"
    try:
        added: Sequence[Mapping[str, str]] = json.loads(path.read_bytes())["added_tokens"]
        found = [re.fullmatch(r"<\|([a-z]{2,3})\|>", token["content"]) for token in added]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecognizerUnavailable(
            f"no Whisper model in {folder}: its tokenizer.json is missing or damaged"
        ) from error
    return tuple(match[1] for match in found if match) or ("en",)
