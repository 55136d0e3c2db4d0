from __future__ import annotations

import os
import resource
import stat
import tempfile
from pathlib import Path

import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from captioner.errors import ConfigurationError
from captioner.transcript.folder import DAY_S, TranscriptPolicy, base_name, tidy
from captioner.transcript.journal_file import Busy, JournalFile
from captioner.transcript.records import (
    Forgotten,
    Minutes,
    Missed,
    Opened,
    Record,
    Recording,
    Said,
    Started,
    Stopped,
    Withdrawn,
    decode,
    encode,
    read,
)

MEETING = Opened("budget", 1_795_000_000_000)


def said(number: int, speaker: str = "anna", text: str = "Word.", session: str = "s") -> Said:
    start_ms = number * 1000
    return Said(
        session, f"t1-{number}", speaker, speaker.title(), start_ms, start_ms + 900, text, "en"
    )


TEXT = st.text(min_size=1, max_size=20)
MS = st.integers(0, 10**9)
RECORDS = st.one_of(
    st.builds(Opened, TEXT, MS, st.just(1)),
    st.builds(Started, MS, TEXT, st.just("en")),
    st.builds(Stopped, MS),
    st.builds(Said, TEXT, TEXT, TEXT, TEXT, MS, MS, TEXT, st.just("en")),
    st.builds(Missed, MS, MS, TEXT),
    st.builds(Recording, MS, st.booleans()),
    st.builds(Forgotten, TEXT),
    st.builds(Withdrawn, TEXT, TEXT),
)


@given(RECORDS)
def test_a_record_is_one_line_and_comes_back_as_it_was(record: Record) -> None:
    line = encode(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == record


@given(st.lists(RECORDS, max_size=8), st.data())
def test_a_journal_torn_anywhere_gives_every_whole_record(
    records: list[Record], data: st.DataObject
) -> None:
    lines = [encode(record) for record in records]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    complete = 0
    while complete < len(lines) and sum(map(len, lines[: complete + 1])) <= cut:
        complete += 1
    reading = read(whole[:cut])
    assert list(reading.records) == records[:complete]
    assert reading.whole == sum(map(len, lines[:complete]))
    assert reading.damaged == 0


@given(st.binary(max_size=200))
def test_rubbish_is_counted_and_raises_nothing(data: bytes) -> None:
    reading = read(data)
    assert reading.whole <= len(data)


@pytest.mark.parametrize(
    "line",
    [
        b"null", b"[]", b'{"type":"said"}', b'{"type":"stopped","at_ms":"1"}',
        b'{"type":"stopped","at_ms":-1}', b'{"type":"stopped","at_ms":true}',
        b'{"type":"else"}', b"\xff\xfe", b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_damaged_line_is_left_out_and_the_others_are_read(line: bytes) -> None:
    reading = read(encode(said(1)) + line + b"\n" + encode(said(2)))
    assert reading.records == (said(1), said(2))
    assert reading.damaged == 1


def test_the_file_is_sorted_whatever_the_order_in_which_cues_were_finished() -> None:
    minutes = Minutes([MEETING, said(3), said(1), said(2)])
    cues = webvtt.from_string(minutes.vtt()).captions
    assert [cue.identifier for cue in cues] == ["t1-1", "t1-2", "t1-3"]


def test_the_file_says_when_it_began_what_was_missed_and_where_the_recording_is() -> None:
    minutes = Minutes(
        [
            MEETING, Started(2_000, "s", "fr"), Recording(3_500, True), Missed(4_000, 9_000, "why"),
            Stopped(60_000), said(5),
        ]
    )  # fmt: skip
    text = minutes.vtt()
    assert text.startswith("WEBVTT\nLanguage: fr\n\n")
    assert "Time 0 is 2026-11-18T" in text
    assert "NOTE Kept from 00:00:02.000." in text
    assert "NOTE The recording begins at 00:00:03.500." in text
    assert "NOTE Gap from 00:00:04.000 to 00:00:09.000: nothing was heard (why)." in text
    assert "NOTE Not kept from 00:01:00.000." in text
    assert "<v Anna><lang en>Word.</lang>" in text  # another language than the meeting's


def spoken(number: int, start_ms: int, end_ms: int, text: str, *, closed: bool = True) -> Said:
    return Said("s", f"t1-{number}", "anna", "Anna", start_ms, end_ms, text, "en", closed)


LONG = "it was the best that we could do with all of the money there was"


def test_the_file_has_no_line_that_is_too_long_and_no_cue_too_short_to_read() -> None:
    minutes = Minutes(
        [MEETING, Started(0, "s", "en"), spoken(1, 0, 7_000, f"{LONG}."),
         spoken(2, 8_000, 8_600, "It was the"), spoken(3, 8_700, 11_000, "best that we could do.")]
    )  # fmt: skip
    cues = webvtt.from_string(minutes.vtt()).captions
    assert [(cue.start, cue.end, cue.text.split("\n")) for cue in cues] == [
        ("00:00:00.000", "00:00:07.000",
         ["it was the best that we could do", "with all of the money there was."]),
        ("00:00:08.000", "00:00:11.000", ["It was the best that we could do."]),
    ]  # fmt: skip
    assert minutes.records()[-2:] == [
        spoken(2, 8_000, 8_600, "It was the"),
        spoken(3, 8_700, 11_000, "best that we could do."),
    ]


def test_the_beginning_of_a_cue_is_replaced_by_the_whole_of_it_where_it_was_joined() -> None:
    minutes = Minutes(
        [MEETING, Started(0, "s", "en"), spoken(1, 0, 600, "It was the"),
         spoken(2, 700, 1_200, "best", closed=False)]
    )  # fmt: skip
    assert "It was the best\n" in minutes.vtt()
    minutes.feed(spoken(2, 700, 2_600, "best that we could do."))
    assert "It was the best that we could do." in minutes.vtt()
    minutes.feed(Withdrawn("s", "t1-1"))
    assert [c.text for c in webvtt.from_string(minutes.vtt()).captions] == [
        "best that we could do."
    ]


def test_cues_of_a_bot_that_came_later_have_names_of_their_own() -> None:
    minutes = Minutes(
        [MEETING, Started(0, "a", "en"), said(1, session="a"), Started(0, "b", "en"),
         said(3, text="Other.", session="b")]
    )  # fmt: skip
    assert [c.identifier for c in webvtt.from_string(minutes.vtt()).captions] == ["t1-1", "s2-t1-3"]


def test_a_cue_that_is_there_is_not_taken_twice() -> None:
    assert Minutes([MEETING, said(1), said(1)]).cues == 1


def test_who_withdraws_is_gone_and_the_others_stay() -> None:
    minutes = Minutes([MEETING, said(1), said(2, "bo"), said(3), Forgotten("anna")])
    assert "Anna" not in minutes.vtt()
    assert minutes.records() == [MEETING, said(2, "bo")]
    assert minutes.forgets
    minutes.feed(said(4))
    assert minutes.cues == 2


def test_a_meeting_is_bounded_and_what_is_left_out_is_counted() -> None:
    minutes = Minutes((said(n) for n in range(30)), limit=10)
    assert (minutes.cues, minutes.lost) == (10, 20)


# On disk


def opened(folder: Path, base: str = "budget", meeting: Opened = MEETING) -> JournalFile:
    file = JournalFile.open(folder, base, meeting)
    assert file is not None
    return file


def ids(vtt: Path) -> list[str]:
    return [cue.identifier for cue in webvtt.read(str(vtt)).captions]


@settings(max_examples=30)  # each waits for the disk
@given(st.data())
def test_whatever_was_written_last_the_next_writer_goes_on_behind_the_last_whole_record(
    data: st.DataObject,
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = opened(folder)
        for number in range(3):
            file.append(said(number))
        file.close()
        size = file.path.stat().st_size
        cut = data.draw(st.integers(len(encode(MEETING)), size))
        os.truncate(file.path, cut)
        again = opened(folder)
        kept = again.minutes.cues
        again.append(said(9))
        again.show()
        again.close()
        assert ids(folder / "budget.vtt") == [f"t1-{n}" for n in range(kept)] + ["t1-9"]
        assert read(file.path.read_bytes()).damaged == 0


def test_files_are_their_owners_only(tmp_path: Path) -> None:
    file = opened(tmp_path / "new")
    file.append(said(1))
    file.sync()
    file.show()
    file.close()
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()}
    assert modes == {"budget.journal": 0o600, "budget.vtt": 0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_two_meetings_of_one_name_have_two_files_and_a_taken_over_one_its_own(
    tmp_path: Path,
) -> None:
    first, second = opened(tmp_path), opened(tmp_path, meeting=Opened("budget", 5))
    first.close()
    assert second.path.name == "budget-2.journal"
    second.close()
    assert opened(tmp_path).path == first.path


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    file = opened(tmp_path)
    with pytest.raises(Busy):
        opened(tmp_path)
    file.close()
    opened(tmp_path).close()


def test_what_was_withdrawn_is_no_longer_on_the_disk(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.append(said(1, text="a secret"))
    file.append(said(2, "bo"))
    file.sync()
    file.show()
    file.append(Forgotten("anna"))
    file.sync()
    file.append(said(3, "bo"))
    file.show()
    file.close()
    for path in tmp_path.iterdir():
        assert b"secret" not in path.read_bytes()
        assert b"anna" not in path.read_bytes().lower()
    assert ids(tmp_path / "budget.vtt") == ["t1-2", "t1-3"]
    assert Minutes(read(file.path.read_bytes()).records).cues == 2


def test_a_withdrawal_that_a_crash_cut_short_is_honoured_on_recovery(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.append(said(1, text="a secret"))
    file.append(Forgotten("anna"))
    file.close()  # without sync: the tombstone is there, and so is the text
    tidied = tidy(TranscriptPolicy(tmp_path), now_s=0)
    assert [cues for _, cues in tidied.rebuilt] == [0]
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.iterdir())


def test_only_what_is_behind_is_rebuilt_unless_all_is_asked_for(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.append(said(1))
    assert tidy(TranscriptPolicy(tmp_path), now_s=0).busy == 1
    file.close()
    policy = TranscriptPolicy(tmp_path)
    assert [path.name for path, _ in tidy(policy, now_s=0).rebuilt] == ["budget.vtt"]
    assert tidy(policy, now_s=0).rebuilt == ()
    assert len(tidy(policy, now_s=0, every=True).rebuilt) == 1


@pytest.mark.parametrize("last", [said(2), Forgotten("anna")])
def test_what_a_killed_writer_did_not_show_is_rebuilt_though_the_clock_was_set_back(
    tmp_path: Path, last: Said | Forgotten
) -> None:
    file = opened(tmp_path)
    file.append(said(1))
    file.show()
    os.utime(file.path, (4_000_000_000, 4_000_000_000))  # from now on the clock is behind
    os.utime(file.path.with_suffix(".vtt"), (4_000_000_000, 4_000_000_000))
    file.close()
    file = opened(tmp_path)
    file.append(last)
    file.sync()
    file.close()  # and killed
    policy = TranscriptPolicy(tmp_path)
    assert [cues for _, cues in tidy(policy, now_s=0).rebuilt] == [file.minutes.cues]
    assert ids(tmp_path / "budget.vtt") == ([] if isinstance(last, Forgotten) else ["t1-1", "t1-2"])
    assert tidy(policy, now_s=0).rebuilt == ()


def test_a_file_that_somebody_corrected_is_left_as_it_is(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.append(said(1))
    file.show()
    file.close()
    vtt = tmp_path / "budget.vtt"
    vtt.write_text("WEBVTT\n\ncorrected")
    assert tidy(TranscriptPolicy(tmp_path), now_s=0).rebuilt == ()
    assert "corrected" in vtt.read_text()


def test_old_transcripts_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    for base in ("old", "new", "live"):
        file = opened(tmp_path, base)
        file.append(said(1))
        file.show()
        if base != "live":
            file.close()
    (tmp_path / "recording.vtt").write_text("not ours")
    for name in ("old.journal", "live.journal"):
        os.utime(tmp_path / name, (1000, 1000))
    now_s = 1000 + 7 * DAY_S + 1
    os.utime(tmp_path / "new.journal", (now_s, now_s))
    done = tidy(TranscriptPolicy(tmp_path, keep_days=7), now_s=now_s)
    assert done.deleted == 1
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"new.journal", "new.vtt", "live.journal", "live.vtt", "recording.vtt"}
    file.close()


def test_mending_a_torn_journal_does_not_make_it_younger(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.append(said(1))
    file.close()
    with file.path.open("ab") as torn:
        torn.write(b'{"type":"sa')
    os.utime(file.path, (1000, 1000))
    tidy(TranscriptPolicy(tmp_path), now_s=0)
    assert file.path.stat().st_mtime == 1000


def test_no_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder"):
        tidy(TranscriptPolicy(tmp_path / "none"), now_s=0)


@pytest.mark.parametrize(
    ("template", "base"),
    [
        ("{room}-{date}-{time}", "b_dget_.._x-2026-11-22-054206"),
        ("{recording}", "rec_4"),
        ("fixed.name", "fixed.name"),
        ("../../{else}", "_.._{else}".replace("{", "_").replace("}", "_")),
        ("...", "meeting"),
        ("é" * 500, "é" * 90),
    ],
)
def test_names_stay_inside_the_folder(template: str, base: str) -> None:
    made = base_name(
        template, room="b/dget/../x", utc="2026-11-22T05:42:06.123Z", recording="rec/4"
    )
    assert made == base
    assert "/" not in made


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.append(said(1))
    whole = file.path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            file.append(said(2, text="x" * 400))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.path.read_bytes() == whole
    file.append(said(3))
    assert file.minutes.cues == 2
