"""The test checkpoint proves that rows are right and never touch one another; not accuracy."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from moshi.models import loaders

from streaming.audio import FRAME_SAMPLES, Pcm
from streaming.errors import ModelError, RecognizerUnavailable
from streaming.kyutai_server.batch import Batch
from streaming.kyutai_server.client_stream import Marked
from streaming.kyutai_server.mimi_cpu import MimiEncoder
from streaming.kyutai_server.moshi_model import KyutaiModel, MoshiEncoder, load_model
from streaming.kyutai_server.test_checkpoint.checkpoint import MIMI_CONFIG
from streaming.kyutai_server.test_checkpoint.tones import TONES, sing, start_ms
from streaming.kyutai_server.token_words import WordSaid

WORDS = [list(TONES)[i] for i in np.random.default_rng(5).integers(0, len(TONES), 60)]


def transcribe(model: KyutaiModel, pcm: Pcm) -> list[WordSaid]:
    batch = Batch(
        batch_size=model.batch_size, delay_frames=model.delay_frames, vocabulary=model.vocabulary
    )
    ticket = batch.admit()
    assert ticket is not None
    batch.feed(ticket, pcm, now=0)
    batch.mark(ticket, 1)
    said: list[WordSaid] = []
    while True:
        step = batch.gather(100.0)
        for _, answers in batch.route(step, model.step(step.pcm, step.active, step.reset)):
            said += [answer for answer in answers if isinstance(answer, WordSaid)]
            if Marked(1) in answers:
                return said


def test_every_tone_is_heard_in_order_at_its_time(model: KyutaiModel) -> None:
    said = transcribe(model, sing(WORDS))
    assert [word.text for word in said] == WORDS
    assert [word.start_ms for word in said] == [start_ms(i) for i in range(len(WORDS))]
    assert not any(word.joined for word in said)


@pytest.mark.parametrize("level", [0.05, 0.6])
def test_loud_and_soft_tones_are_heard_wherever_they_begin(
    model: KyutaiModel, level: float
) -> None:
    for shift in (300, 960, 1500):
        pcm = np.concatenate([np.zeros(shift, np.float32), sing(WORDS, level=level)])
        assert [word.text for word in transcribe(model, pcm)] == WORDS
        model.step(
            np.zeros((4, FRAME_SAMPLES), np.float32), np.zeros(4, np.bool_), np.ones(4, np.bool_)
        )


def test_smaller_weights_hear_the_same_tones(checkpoint_folder: Path) -> None:
    model = load_model(str(checkpoint_folder), batch_size=4, dtype="bfloat16")
    assert [word.text for word in transcribe(model, sing(WORDS))] == WORDS


def full_of_chance(folder: Path) -> Any:
    """The checkpoint's Mimi, its weights drawn by chance: nothing in it is 0 or the identity."""
    mimi = loaders.get_mimi(
        folder / "mimi.safetensors", MIMI_CONFIG, num_codebooks=MIMI_CONFIG["quantizer"]["n_q"]
    )
    torch.manual_seed(3)
    for parameter in mimi.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return mimi


def test_mimi_on_a_cpu_hears_what_moshis_hears(checkpoint_folder: Path) -> None:
    """Rows that rest, and begin again, for longer than the attention reaches back."""
    rows, chance = 6, torch.Generator().manual_seed(1)
    mine = MimiEncoder(full_of_chance(checkpoint_folder), rows)
    theirs = full_of_chance(checkpoint_folder)
    moshis = MoshiEncoder(theirs, rows)
    for step in range(120):
        if step % 50 == 40:
            begin = torch.tensor([True, False] * (rows // 2))
            mine.forget(begin)
            moshis.forget(begin)
        active = torch.rand(rows, generator=chance) < 0.8
        sound = torch.randn(rows, FRAME_SAMPLES, generator=chance) * active[:, None]
        with torch.no_grad():
            heard = mine.latent(sound, active)
            theirs.set_exec_mask(active)
            expected = theirs.encode_to_latent(sound[:, None], quantize=False)
        torch.testing.assert_close(heard[active], expected[active, :, 0], rtol=1e-4, atol=0.02)
    assert expected.abs().mean() > 100


def test_mimi_on_a_cpu_finds_the_codes_that_moshis_finds(checkpoint_folder: Path) -> None:
    mimi = full_of_chance(checkpoint_folder)
    latent = torch.randn(200, mimi.dimension)
    with torch.no_grad():
        found = MimiEncoder(mimi, 1).nearest(latent)
        assert torch.equal(found, mimi.quantizer.encode(latent[:, :, None]))
    assert len(found.unique()) > 8


def test_moshis_mimi_hears_the_same_tones(
    checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What serves on a GPU, here on a CPU."""
    monkeypatch.setattr("streaming.kyutai_server.moshi_model.MimiEncoder", MoshiEncoder)
    model = load_model(str(checkpoint_folder), batch_size=4)
    assert [word.text for word in transcribe(model, sing(WORDS))] == WORDS


Neighbour = Sequence[Pcm | None]


def tokens(model: KyutaiModel, mine: Sequence[Pcm], neighbour: Neighbour) -> list[object]:
    """What row 1 says while row 2 hears ``neighbour`` (None: not active, and reset before)."""
    out: list[object] = []
    for number, frame in enumerate(mine):
        other = neighbour[number] if number < len(neighbour) else None
        pcm = np.zeros((4, FRAME_SAMPLES), np.float32)
        pcm[1] = frame
        active, reset = np.array([False, True, other is not None, False]), np.zeros(4, np.bool_)
        if other is None:
            reset[2] = True
        else:
            pcm[2] = other
        step = model.step(pcm, active, reset)
        out.append((int(step.tokens[1]), step.pauses[:, 1].tobytes()))
    return out


def frames(pcm: Pcm) -> list[Pcm]:
    return list(pcm.reshape(-1, FRAME_SAMPLES))


def noise(level: float, count: int) -> list[Pcm]:
    made = np.random.default_rng(1).normal(0, level, (count, FRAME_SAMPLES))
    return list(made.astype(np.float32))


@pytest.mark.parametrize(
    "neighbour",
    [
        pytest.param(frames(sing(WORDS[:12], level=0.9)), id="speaking"),
        pytest.param(noise(1000.0, 72), id="60 dB louder"),
        pytest.param(noise(1e30, 72), id="wild"),
        pytest.param([np.full(FRAME_SAMPLES, np.nan, np.float32)] * 72, id="NaN"),
        pytest.param(frames(sing(WORDS[:3]))[:-4], id="leaving in mid-word"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_neighbour_changes_nothing_bit_for_bit(
    checkpoint_folder: Path, neighbour: list[Pcm], dtype: str
) -> None:
    mine = frames(sing(WORDS[20:32]))
    alone, beside = (
        tokens(load_model(str(checkpoint_folder), batch_size=4, dtype=dtype), mine, others)
        for others in ([], neighbour)
    )
    assert beside == alone


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_who_comes_after_poison_is_heard_as_if_the_row_were_new(
    checkpoint_folder: Path, poison: float
) -> None:
    mine = frames(sing(WORDS[:12]))
    fresh = tokens(load_model(str(checkpoint_folder), batch_size=4), mine, [])
    used = load_model(str(checkpoint_folder), batch_size=4)
    every, none = np.ones(4, np.bool_), np.zeros(4, np.bool_)
    for _ in range(30):
        used.step(np.full((4, FRAME_SAMPLES), poison, np.float32), every, none)
    used.step(np.zeros((4, FRAME_SAMPLES), np.float32), none, every)
    assert tokens(used, mine, []) == fresh


def test_a_row_that_was_reset_holds_what_one_holds_that_never_heard_anything(
    model: KyutaiModel, checkpoint_folder: Path
) -> None:
    every, none = np.ones(4, np.bool_), np.zeros(4, np.bool_)
    for frame in frames(sing(WORDS[:4])):
        model.step(np.repeat(frame[None], 4, axis=0), every, none)
    unused = load_model(str(checkpoint_folder), batch_size=4)
    # Idle rows pass through the model too, and hold a step of silence afterwards.
    for one, reset in ((model, np.arange(4) == 2), (unused, none)):
        one.step(np.zeros((4, FRAME_SAMPLES), np.float32), none, reset)

    def is_as_new(row: int) -> bool:
        return all(map(torch.equal, model.memory(row), unused.memory(row)))

    assert is_as_new(2)
    assert not is_as_new(1)


def test_a_step_that_fails_is_a_model_error(model: KyutaiModel) -> None:
    with pytest.raises(ModelError, match="step of the model failed"):
        model.step(
            np.zeros((3, FRAME_SAMPLES), np.float32), np.ones(3, np.bool_), np.zeros(3, np.bool_)
        )


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def test_a_folder_without_a_checkpoint_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RecognizerUnavailable, match=r"no config\.json"):
        load_model(str(tmp_path), batch_size=1)


def test_a_folder_that_does_not_exist_is_not_looked_up_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(RecognizerUnavailable, match="there is no folder"):
        load_model(str(tmp_path / "nothing"), batch_size=1)


def test_a_missing_file_is_named(checkpoint_folder: Path, tmp_path: Path) -> None:
    folder = copied(checkpoint_folder, tmp_path / "c")
    (folder / "mimi.safetensors").unlink()
    with pytest.raises(RecognizerUnavailable, match=r"lacks mimi\.safetensors"):
        load_model(str(folder), batch_size=1)


@pytest.mark.parametrize("name", ["model.safetensors", "mimi.safetensors", "words.model"])
def test_a_broken_file_is_said_to_be_so(checkpoint_folder: Path, tmp_path: Path, name: str) -> None:
    folder = copied(checkpoint_folder, tmp_path / "c")
    (folder / name).write_bytes(b"not what it should be")
    with pytest.raises(RecognizerUnavailable, match="cannot be loaded"):
        load_model(str(folder), batch_size=1)


@pytest.mark.parametrize("config", ["{", "[]", "{}", '{"stt_config": {}}'])
def test_a_config_that_makes_no_sense_is_said_to_be_so(
    checkpoint_folder: Path, tmp_path: Path, config: str
) -> None:
    folder = copied(checkpoint_folder, tmp_path / "c")
    (folder / "config.json").write_text(config)
    with pytest.raises(RecognizerUnavailable):
        load_model(str(folder), batch_size=1)


def test_a_config_that_moshi_does_not_know_is_said_to_be_so(
    checkpoint_folder: Path, tmp_path: Path
) -> None:
    folder = copied(checkpoint_folder, tmp_path / "c")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"gating": "silu"', '"gating": "new"'))
    with pytest.raises(RecognizerUnavailable, match="cannot be loaded"):
        load_model(str(folder), batch_size=1)
