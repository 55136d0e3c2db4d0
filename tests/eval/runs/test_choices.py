"""What a file leaves open is decided by the other one, and doubted where neither does."""

from itertools import pairwise
from pathlib import Path

import pytest

from eval.corpus.transcript import Repair
from eval.observation import Run
from eval.report.results import results_of
from eval.runs.from_files import Compared, compared


def srt(*texts: str) -> str:
    return "".join(
        f"{n}\n00:00:{3 * n:02},500 --> 00:00:{3 * n + 3:02},400\n{text}\n\n"
        for n, text in enumerate(texts, start=1)
    )


def scored(
    folder: Path, said: str, shown: str, *, reference: str = "said.txt", name: str = "shown.srt"
) -> Compared:
    ours, theirs = folder / reference, folder / name
    ours.write_text(said, "utf-8")
    theirs.write_text(shown, "utf-8")
    return compared(ours, theirs)


def wrong(found: Compared) -> float:
    return results_of(Run(), found.clips).figures["wer"].value


def speakers(found: Compared) -> set[str]:
    return {one.speaker for clip in found.clips for one in clip.shown}


def doubts(found: Compared) -> list[str]:
    return [one.name for one in found.doubts]


SPOKEN = (
    "The plan is good and it is ready.",
    "We need nine people for this",
    "and a room with a window.",
    "You don't mean that you like it?",
    "I do, better than the other one.",
    "Then we begin today.",
)
NAMES = ("Ann", "Bob", "Carla", "Dan", "Eve", "Finn")


@pytest.mark.parametrize(
    "names",
    [
        {0: "Ann Lee"},
        {0: "Ann Lee", 1: "Bob Stone", 3: "Ann Lee"},
        {0: "Ann Lee", 1: "Bob Stone", 3: "Carla Diaz", 5: "Dan O'Neil"},
        {0: "ANN", 3: "BOB"},
        {0: ">> ANN LEE", 3: ">> BOB"},
        {5: "- Ann"},
        {0: "SPEAKER_00", 4: "SPEAKER_01"},
    ],
)
def test_names_where_the_speaker_changes_are_no_words(
    tmp_path: Path, names: dict[int, str]
) -> None:
    texts = [f"{names[n]}: {text}" if n in names else text for n, text in enumerate(SPOKEN)]
    found = scored(tmp_path, "\n".join(SPOKEN), srt(*texts))
    assert (wrong(found), doubts(found)) == (0, [])
    assert speakers(found) >= {name.strip("->& ") for name in names.values()}
    [repair] = found.repairs
    assert (repair.repair, repair.count) == (Repair.NAMES, len(names))


def test_a_name_beside_a_wrong_word_is_a_name_with_the_others_and_doubted(tmp_path: Path) -> None:
    texts = [f"Ann: {SPOKEN[0]}", SPOKEN[1], f"Bob: {SPOKEN[2]}", "Carla: On't mean that."]
    found = scored(tmp_path, "\n".join(SPOKEN[:4]), srt(*texts))
    assert speakers(found) == {"Ann", "Bob", "Carla"}
    assert [one.facts["names"] for one in found.doubts] == ["Carla"]
    assert doubts(found) == ["perhaps_said"]


@pytest.mark.parametrize(
    "texts",
    [
        ["Question: does it light up?", "Answer: yes it does.", "Question: is it warm?",
         "Answer: no it is cold.", "Question: do we stop?", "Answer: yes we stop now."],
        ["Question : qui vient demain ?", "Réponse : Paul vient demain.",
         "Question : à quelle heure ?", "Réponse : à midi."],
        ["Genesis One: in the beginning", "Genesis Two: thus the heavens",
         "Genesis Three: now the serpent"],
        ["Warning: hot surface.", "Warning: high voltage.", "Warning: wet floor.", "That is all."],
    ],
)  # fmt: skip
@pytest.mark.parametrize("reference", ["said.txt", "said.srt"])
def test_words_before_a_colon_that_the_reference_has_were_said(
    tmp_path: Path, texts: list[str], reference: str
) -> None:
    said = [text.replace(":", "").lower() for text in texts]
    shown = srt(*said) if reference == "said.srt" else " ".join(said)
    found = scored(tmp_path, shown, srt(*texts), reference=reference)
    assert (wrong(found), found.repairs, doubts(found)) == (0, (), [])
    found = scored(tmp_path, srt(*texts), srt(*said), reference="said.srt")
    assert (wrong(found), found.repairs, doubts(found)) == (0, (), [])


def test_a_reference_and_captions_that_both_have_labels_agree(tmp_path: Path) -> None:
    texts = [f"{name}: {text}" for name, text in zip(NAMES, SPOKEN, strict=True)]
    found = scored(tmp_path, "\n".join(texts), srt(*texts))
    assert (wrong(found), doubts(found)) == (0, ["perhaps_said"])
    found = scored(tmp_path, "\n".join([*texts[:2], *SPOKEN[2:]]), srt(*texts[:2], *SPOKEN[2:]))
    assert (wrong(found), doubts(found)) == (0, [])


def test_a_name_of_the_other_file_is_a_name(tmp_path: Path) -> None:
    rows = [f"talk 1 {'Ann' if n < 4 else 'Bob'} {3 * n} {3 * n + 3} {text}"
            for n, text in enumerate(SPOKEN, start=1)]  # fmt: skip
    texts = [f"ANN: {SPOKEN[0]}", *SPOKEN[1:3], f"Bob: You'd {SPOKEN[3]}", *SPOKEN[4:]]
    found = scored(tmp_path, "\n".join(rows), srt(*texts), reference="said.stm")
    assert speakers(found) == {"Ann", "Bob"}
    assert doubts(found) == []


def test_labels_of_a_reference_that_captions_lack_are_doubted(tmp_path: Path) -> None:
    said = "\n".join([f"Ann: {SPOKEN[0]}", *SPOKEN[1:]])
    found = scored(tmp_path, said, srt(*SPOKEN))
    assert wrong(found) > 0
    assert doubts(found) == ["perhaps_names"]


def test_a_label_that_nothing_decides_is_read_as_the_file_suggests_and_doubted(
    tmp_path: Path,
) -> None:
    texts = [f"{name}: {text}" for name, text in zip(["Ann", "Bob"] * 3, SPOKEN, strict=True)]
    found = scored(tmp_path, "nothing of all these captions was ever spoken here", srt(*texts))
    assert speakers(found) == {"Ann", "Bob"}
    assert doubts(found) == ["perhaps_said"]


@pytest.mark.parametrize(
    "texts",
    [
        ["Yes we can."] * 4,
        [*["Let it be."] * 5, "Speaking words of wisdom, let it be."],
        ["Yes.", "Yes.", *["Yes, we can."] * 3],
        ["I want", "I want to go", "I want to go home now", "and then rest"],
        ["No.\nNo.", "No.\nStop.", "Stop.\nGo.", "Go."],
    ],
)
def test_text_that_the_reference_repeats_was_said_again(tmp_path: Path, texts: list[str]) -> None:
    found = scored(tmp_path, "\n".join(texts), srt(*texts))
    assert (wrong(found), found.repairs, doubts(found)) == (0, (), [])
    found = scored(tmp_path, srt(*texts), "\n".join(texts), reference="said.srt", name="shown.txt")
    assert wrong(found) == 0


def test_text_that_only_the_captions_repeat_was_shown_again(tmp_path: Path) -> None:
    rolled = [SPOKEN[0], *(f"{a}\n{b}" for a, b in pairwise(SPOKEN))]
    found = scored(tmp_path, "\n".join(SPOKEN), srt(*rolled))
    assert (wrong(found), doubts(found)) == (0, [])
    assert [one.repair for one in found.repairs] == [Repair.ROLL_UP]
    half = [text for n, text in enumerate(rolled) if n < 4]
    found = scored(tmp_path, "\n".join(SPOKEN), srt(*half))
    assert [one.repair for one in found.repairs] == [Repair.ROLL_UP]


@pytest.mark.parametrize("lines", [2, 3])
def test_what_is_said_three_times_stays_in_captions_that_roll_up(
    tmp_path: Path, lines: int
) -> None:
    texts = [*SPOKEN[:2], *["No, no."] * 5, *SPOKEN[2:]]
    rolled = ["\n".join(texts[max(0, n - lines + 1) : n + 1]) for n in range(len(texts))]
    found = scored(tmp_path, "\n".join(texts), srt(*rolled))
    assert (wrong(found), doubts(found)) == (0, [])
    assert [one.repair for one in found.repairs] == [Repair.ROLL_UP]


def test_repeats_in_both_files_are_doubted(tmp_path: Path) -> None:
    chant = srt(*["Yes we can."] * 4)
    found = scored(tmp_path, chant, chant, reference="said.srt")
    assert (wrong(found), doubts(found)) == (0, ["said_again"])
