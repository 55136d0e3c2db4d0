from __future__ import annotations

import json
import stat
from pathlib import Path

from captioner.transcript.audit import Audit, expire_audit
from captioner.transcript.folder import TranscriptPolicy, tidy

DAY = 86_400


async def test_a_decision_is_one_line_with_who_what_and_when(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "kept", room="budget", wall=lambda: 0.5)
    audit.note("captions-on", "chair")
    audit.note("language", "chair", value="fr")
    audit.note("refused", "bo\nb")
    await audit.close()
    path = tmp_path / "kept" / "audit-1970-01-01.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert found[0] == {
        "utc": "1970-01-01T00:00:00.500Z", "room": "budget", "what": "captions-on", "who": "chair",
    }  # fmt: skip
    assert found[1]["value"] == "fr"
    assert found[2]["who"] == "bo\nb"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    audit = Audit(None, room="budget")
    audit.note("captions-on", "chair")
    await audit.close()


async def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    audit = Audit(path, room="budget")
    audit.note("captions-on", "chair")
    await audit.close()
    assert path.read_text() == ""


def test_days_long_ago_are_deleted(tmp_path: Path) -> None:
    for day in ("1970-01-01", "1970-01-09", "1970-01-10"):
        (tmp_path / f"audit-{day}.jsonl").write_text("")
    (tmp_path / "audit-mine.jsonl").write_text("")
    assert expire_audit(tmp_path, keep_days=1, now_s=9.5 * DAY) == 1
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["audit-1970-01-09.jsonl", "audit-1970-01-10.jsonl", "audit-mine.jsonl"]


def test_a_day_that_cannot_be_deleted_keeps_no_other_and_is_counted(tmp_path: Path) -> None:
    (tmp_path / "audit-1970-01-01.jsonl").mkdir()  # as on a disk that has become read-only
    (tmp_path / "audit-1970-01-02.jsonl").write_text("")
    (tmp_path / "audit-1970-13-40.jsonl").write_text("")
    done = tidy(TranscriptPolicy(tmp_path, keep_days=1), now_s=9.5 * DAY)
    assert done.failed == 1
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["audit-1970-01-01.jsonl", "audit-1970-13-40.jsonl"]
