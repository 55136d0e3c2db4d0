"""Count the words that the embedded engine makes up where nobody speaks. The aim is none."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.engine import Remembering, hear, remembering, served, shown
from benchmarks.sounds import GENERATORS, MUSIC, Sound, music_files
from benchmarks.speech import Speech, scored
from captioner.audio_file import read_audio
from eval.runs.watch import Seen
from streaming.audio import SAMPLE_RATE
from streaming.embedded.models import installed
from streaming.embedded.policy import DecoderPolicy
from streaming.recognizer import Tail


def row(name: str, sound: Sound, model: Remembering, policy: DecoderPolicy) -> str:
    """One line of the table: the words that stayed, and those shown temporarily."""
    events = hear(model, sound, policy)
    until_ms = len(sound) * 1000 // SAMPLE_RATE
    nobody = {"": Speech(sound, (), "", 0.0)}
    words, _ = scored(nobody, Seen(list(shown(events, name)), until_ms), "engine").sums["invented"]
    tails = {event.text for _, event in events if isinstance(event, Tail) and event.text}
    return f"{name:32} {until_ms / 1000:6.0f} s {words:5.0f} {len(tails):5}"


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=75, help="of each made sound")
    arguments.add_argument("--music", type=Path, default=MUSIC, help="a folder of .wav files")
    arguments.add_argument("--music-seconds", type=int, default=60, help="of each file")
    arguments.add_argument("--speech", type=Path, help="taken for the sake of the others; unused")
    arguments.add_argument("--language", default="en", help="that nobody speaks")
    arguments.add_argument("--model", default="", help="as CAPTIONER_MODEL")
    options = arguments.parse_args()
    [used, *_] = installed(options.model) if options.model else served(options.language)
    speech = remembering(used, options.language)
    print(f"{used.names}, {options.language}")
    print(f"{'':32} {'':8} words tails")
    for name, make in GENERATORS.items():
        print(row(name, make(options.seconds, 1), speech, used.policy), flush=True)
    files = music_files(options.music)
    if not files:
        print(f"no music in {options.music}: install Debian's asterisk-moh-opsound-wav")
    for path in files:
        sound = read_audio(path, rate=24_000)[: options.music_seconds * 24_000]
        print(row(path.stem, sound, speech, used.policy), flush=True)


if __name__ == "__main__":
    main()
