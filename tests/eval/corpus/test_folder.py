from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.corpus.folder import survey
from eval.corpus.manifest import CorpusError
from eval.corpus.spoken_words import RefWord


def sound(path: Path, seconds: float = 2.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.sin(np.arange(int(16_000 * seconds)) / 9) / 2, 16_000)


def test_recordings_with_transcripts_beside_them_are_a_corpus(tmp_path: Path) -> None:
    for name in ("a.wav", "b.flac", "deep/c.ogg"):
        sound(tmp_path / name)
    (tmp_path / "a.txt").write_bytes("\ufeffgood\r\nmorning".encode())
    (tmp_path / "b.vtt").write_text("WEBVTT\n\n00:00.500 --> 00:01.500\n<v Anna>good night\n")
    (tmp_path / "deep" / "c.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nhello\n")
    corpus = survey(tmp_path)
    found = {clip.name: clip for clip in corpus.clips}
    assert {name: clip.transcript for name, clip in found.items()} == {
        "a": "good morning", "b": "good night", "deep/c": "hello",
    }  # fmt: skip
    assert found["b"].reference[0].speaker == "Anna"
    assert found["a"].seconds == pytest.approx(2.0, abs=0.05)
    assert corpus.left_out == ()


def test_word_times_come_from_a_ctm_beside_a_text(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("Good morning.")
    (tmp_path / "a.ctm").write_text("a 1 0.10 0.30 good\na 1 0.40 0.50 morning\n")
    (clip,) = survey(tmp_path).clips
    assert clip.transcript == "Good morning."
    assert clip.reference[0].words == (RefWord("good", 100, 400), RefWord("morning", 400, 900))


STM = "s 1 anna 0.0 1.0 good morning\ns 1 ben 0.8 2.0 <o,f0,male> hello anna\n"


@pytest.mark.parametrize("pattern", ["s/{}.wav", "s.{}.wav", "s-{}.wav", "s_{}.wav"])
def test_a_scene_has_a_microphone_for_each_speaker(tmp_path: Path, pattern: str) -> None:
    for speaker in ("anna", "ben"):
        sound(tmp_path / pattern.format(speaker))
    (tmp_path / "s.stm").write_text(STM)
    corpus = survey(tmp_path)
    (clip,) = corpus.clips
    assert [name for name, _ in clip.microphones] == ["anna", "ben"]
    assert [(turn.speaker, turn.text) for turn in clip.turns] == [
        ("anna", "good morning"),
        ("ben", "hello anna"),
    ]
    assert corpus.left_out == ()


def test_a_scene_in_one_file_is_heard_through_one_microphone(tmp_path: Path) -> None:
    sound(tmp_path / "s.wav")
    (tmp_path / "s.stm").write_text(STM)
    (clip,) = survey(tmp_path).clips
    assert clip.microphones == ()
    assert [turn.speaker for turn in clip.reference] == ["anna", "ben"]


def test_who_spoke_when_gives_timed_words_their_speakers(tmp_path: Path) -> None:
    sound(tmp_path / "s.wav")
    (tmp_path / "s.rttm").write_text(
        "SPEAKER s 1 0.0 1.0 <NA> <NA> anna <NA> <NA>\n"
        "SPEAKER s 1 1.0 1.0 <NA> <NA> ben <NA> <NA>\n"
    )
    (tmp_path / "s.ctm").write_text("s 1 0.1 0.3 good\ns 1 0.5 0.4 morning\ns 1 1.2 0.3 hello\n")
    (clip,) = survey(tmp_path).clips
    assert [(turn.speaker, turn.text) for turn in clip.turns] == [
        ("anna", "good morning"),
        ("ben", "hello"),
    ]


WHO = "SPEAKER s 1 0.0 1.0 <NA> <NA> anna <NA> <NA>\nSPEAKER s 1 1.0 1.0 <NA> <NA> ben <NA> <NA>\n"


@pytest.mark.parametrize(
    "beside",
    [
        {"txt": "Good morning. Hello!", "ctm": "s 1 0.1 0.3 good\ns 1 0.5 0.4 x\ns 1 1.2 0.3 y\n"},
        {"srt": "1\n00:00:00,100 --> 00:00:01,200\nGood morning.\n\n"
                "2\n00:00:01,100 --> 00:00:01,900\nHello!\n"},
    ],
)  # fmt: skip
def test_who_spoke_when_gives_a_text_its_speakers(tmp_path: Path, beside: dict[str, str]) -> None:
    sound(tmp_path / "s.wav")
    for ending, content in {"rttm": WHO, **beside}.items():
        (tmp_path / f"s.{ending}").write_text(content)
    corpus = survey(tmp_path)
    assert [(turn.speaker, turn.text) for turn in corpus.clips[0].turns] == [
        ("anna", "Good morning."),
        ("ben", "Hello!"),
    ]
    assert corpus.left_out == ()


def test_who_spoke_when_without_times_of_what_was_said_is_named(tmp_path: Path) -> None:
    sound(tmp_path / "s.wav")
    (tmp_path / "s.rttm").write_text(WHO)
    (tmp_path / "s.txt").write_text("Good morning. Hello!")
    corpus = survey(tmp_path)
    assert corpus.clips[0].transcript == "Good morning. Hello!"
    assert corpus.left_out[0].startswith(f"{tmp_path}/s.rttm: not used: nothing tells when")


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    for name in ("good.wav", "lonely.wav", "empty.wav"):
        sound(tmp_path / name)
    (tmp_path / "good.txt").write_text("yes")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "deaf.txt").write_text("no sound of this")
    (tmp_path / "broken.wav").write_text("no sound at all")
    (tmp_path / "broken.txt").write_text("what is said")
    (tmp_path / "who.rttm").write_text("SPEAKER who 1 0 1 <NA> <NA> anna <NA> <NA>\n")
    corpus = survey(tmp_path)
    assert [clip.name for clip in corpus.clips] == ["good"]
    whole = "\n".join(corpus.left_out)
    for complaint in (
        r"empty.txt: holds no words", "lonely.wav: no transcript beside it",
        "deaf.txt: no recording deaf.wav", "broken.wav is not an audio", "who.rttm: says who spoke",
    ):  # fmt: skip
        assert complaint in whole


def test_a_folder_with_nothing_in_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"neither a manifest\.tsv nor recordings"):
        survey(tmp_path)
