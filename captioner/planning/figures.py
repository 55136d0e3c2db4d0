"""What rooms cost on a machine of ours, as data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

FILE = "figures.toml"


@dataclass(frozen=True, slots=True)
class Figures:
    """Costs of a worker, its rooms, and the people in them.

    measured: when and where. room_cpu, microphone_cpu, voice_cpu: of one processor, 0 to 1, for a
    room, an open microphone in silence, and a voice besides. embedded_voice_cpu: for a voice that
    the embedded engine recognises besides, "en" or "other". start_cpu_s: processor time until
    captions are on. worker_mb: of a worker, and of what its bots share. caption_kbit_s: captions of
    one voice, sent to one reader.
    """

    measured: str
    room_cpu: float
    microphone_cpu: float
    voice_cpu: float
    start_cpu_s: float
    room_mb: float
    worker_mb: float
    caption_kbit_s: float
    embedded_voice_cpu: dict[str, float]
    embedded_model_mb: float


def read_figures() -> Figures:
    """Return those that come with this version."""
    return Figures(**tomllib.loads(files(__package__).joinpath(FILE).read_text("utf-8")))
