"""The bot of ``captioner run``, with an engine whose words are tones.

    python -m eval.simulation.scripted_bot run --room ROOM --identity IDENTITY

The engine is the one for Kyutai servers. Two things differ: a tone counts as voice, and one word
makes the recogniser raise, as a bug would.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import click

from captioner.commands.options import plainly, run_and_exit
from captioner.commands.rooms import caption_room
from captioner.settings import Settings, read_settings
from captioner.tracks.engine import Engine
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.remote.connection import Servers
from streaming.testing.scripted import Fragile, ScriptedEngine
from streaming.testing.tone_words import RAISES, has_tone, word


class ToneEngines:
    """The only engine of a simulated meeting, on the server that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._kyutai = KyutaiEngine(Servers((settings.asr,)))
        self.languages: Mapping[str, tuple[str, ...]] = {"kyutai": (settings.language,)}

    async def choose(self, _name: str, language: str) -> Engine:
        """Do nothing, because there is nothing to load."""
        kyutai = self._kyutai
        fragile = ScriptedEngine(
            lambda: Fragile(kyutai.open(language), at=word(RAISES)), kyutai.capabilities
        )
        return Engine(language, (fragile,), load_voice=lambda: has_tone)


@asynccontextmanager
async def offered(settings: Settings) -> AsyncIterator[ToneEngines]:
    """Replace ``captioner.engines.offered``."""
    yield ToneEngines(settings)


@click.group()
def main() -> None:
    """Only so that the command looks like captioner's own."""


@main.command()
@click.option("--room", required=True)
@click.option("--identity", required=True)
@plainly
def run(room: str, identity: str) -> None:
    """Caption one room."""
    caption_room(read_settings(), room, identity, until_empty=True, offered=offered)


if __name__ == "__main__":
    run_and_exit(main, "captioner")
