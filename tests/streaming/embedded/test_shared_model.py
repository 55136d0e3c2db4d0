"""Engines that decode in a process that they share."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from streaming.audio import Pcm
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.models import Model
from streaming.embedded.shared_model import SharedModel, shared
from streaming.errors import ModelError, RecognizerUnavailable

SERVER = """
import socket, sys
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.models import Model
from streaming.embedded.shared_model import serve
from streaming.errors import ModelError, RecognizerUnavailable

class LengthModel:
    def speaking(self, language):
        return self

    def decode(self, pcm, draft=()):
        if len(pcm) == 0:
            raise ModelError("no sound")
        return Hypothesis((HeardWord(str(len(pcm)), 0.5, (0, len(pcm) // 16)),), tuple(draft))

    def detect_language(self, pcm, among=()):
        return dict.fromkeys(among, 1 / len(pcm))

def broken(threads):
    raise RecognizerUnavailable("not installed")

MODELS = Model("length", ("en",), lambda threads: LengthModel()), Model("broken", ("fr",), broken)

with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    print("ready", flush=True)
    serve(listener, MODELS, idle_s=1.0)
"""

Start = Callable[[], subprocess.Popen[str]]


class OwnModel:
    def speaking(self, _language: str) -> OwnModel:
        return self

    def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
        return Hypothesis((HeardWord("own", 1.0, (0, len(pcm) // 16)),), tuple(draft))

    def detect_language(self, _pcm: Pcm, _among: Sequence[str] = ()) -> dict[str, float]:
        return {"own": 1.0}


def no_other(_threads: int) -> OwnModel:
    raise AssertionError("a model of its own was loaded")


def loaded(name: str = "length") -> SharedModel:
    made = shared(Model(name, ("en",), no_other), "model").load(1)
    assert isinstance(made, SharedModel)
    return made


def sound(samples: int) -> Pcm:
    return np.zeros(samples, np.float32)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a process that listens at "model" in the current folder: a path must be short."""
    with ExitStack() as stack:

        def begin() -> subprocess.Popen[str]:
            (tmp_path / "model").unlink(missing_ok=True)
            command = [sys.executable, "-c", SERVER, "model"]
            made = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(made.kill)
            assert made.stdout is not None
            assert made.stdout.readline() == "ready\n"
            return made

        monkeypatch.setenv("PYTHONPATH", ":".join(filter(None, [str(Path.cwd()), *sys.path])))
        monkeypatch.chdir(tmp_path)
        yield begin


def test_several_threads_decode_in_another_process_at_the_same_time(start: Start) -> None:
    start()
    speech = loaded().speaking("en")
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda n: speech.decode(sound(n), (n,)), range(1, 50)))
    assert answers == [
        Hypothesis((HeardWord(str(n), 0.5, (0, n // 16)),), (n,)) for n in range(1, 50)
    ]


def test_the_model_for_bad_rooms_is_that_process_s_too(start: Start) -> None:
    start()
    quick = Model("quick", ("en",), no_other, in_bad_rooms=Model("length", ("en",), no_other))
    other = shared(quick, "model").in_bad_rooms
    assert other is not None
    assert other.load(1).speaking("en").decode(sound(7)).text == "7"


def test_the_language_of_a_voice_is_found_there_too(start: Start) -> None:
    start()
    assert loaded().detect_language(sound(4), ("fr", "en")) == {"fr": 0.25, "en": 0.25}


def test_an_error_of_the_model_is_raised_and_the_next_sound_decoded(start: Start) -> None:
    start()
    model = loaded()
    with pytest.raises(ModelError, match="no sound"):
        model.speaking("en").decode(sound(0))
    assert model.speaking("en").decode(sound(9)).text == "9"


def test_a_model_that_is_not_there_is_an_error_before_anybody_speaks(start: Start) -> None:
    start()
    with pytest.raises(RecognizerUnavailable, match="not installed"):
        loaded("broken")


def test_a_process_that_was_killed_is_replaced_without_a_loss(start: Start) -> None:
    first = start()
    model = loaded()
    assert model.speaking("en").decode(sound(7)).text == "7"
    first.kill()
    first.wait()
    start()
    assert model.speaking("en").decode(sound(8)).text == "8"


def test_an_engine_loads_a_model_of_its_own_once_there_is_no_process(tmp_path: Path) -> None:
    own = Model("own", ("en",), lambda _: OwnModel())
    model = shared(own, str(tmp_path / "model"), patience_s=0.2).load(1)
    assert model.speaking("en").decode(sound(8)).text == "own"
    assert model.detect_language(sound(8)) == {"own": 1.0}


def test_a_process_ends_once_nobody_is_connected(start: Start) -> None:
    made = start()
    model = loaded()
    assert model.speaking("en").decode(sound(7)).text == "7"
    model.close()
    assert made.wait() == 0
