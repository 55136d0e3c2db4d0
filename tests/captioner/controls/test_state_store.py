from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from captioner.contract_requests import Consent
from captioner.controls.decisions import Decided
from captioner.controls.state_store import KEEP_DAYS, FileStore, MemoryStore, StateStore, Stored
from captioner.errors import StateError

STATE = Stored(
    Decided("fr", "kyutai", enabled=False, by="Olga", consents={"gwen": Consent(True, False)}),
    session="s",
    identity="captions-1",
    origin_utc_ms=1_700_000_000_000,
)


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    return FileStore(tmp_path / "new") if request.param == "file" else MemoryStore()


def test_what_was_decided_is_there_after_a_restart(store: StateStore) -> None:
    assert store.load("RM_1") is None
    store.save("RM_1", STATE)
    store.live("RM_1", 1_700_000_012_345)
    found = store.load("RM_1")
    assert found is not None
    assert (found.decided, found.session, found.origin_utc_ms) == (
        STATE.decided, STATE.session, STATE.origin_utc_ms,
    )  # fmt: skip
    assert found.alive_utc_ms == 1_700_000_012_345
    assert store.load("RM_2") is None


def test_two_rooms_are_kept_apart(store: StateStore) -> None:
    store.save("RM_1", STATE)
    store.save("RM_2", Stored(Decided("en", "embedded"), "t", "captions-2", 5))
    first, second = store.load("RM_1"), store.load("RM_2")
    assert first
    assert second
    assert (first.session, second.session) == ("s", "t")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"v":2}', '{"v":1}', '{"v":1,"decided":{"consents":[]}}',
     '{"v":1,"decided":{"language":"en","engine":"e","enabled":"yes","consents":{}},'
     '"session":"s","identity":"i","origin_utc_ms":1}'],
)  # fmt: skip
def test_a_state_that_cannot_be_read_says_so(tmp_path: Path, text: str) -> None:
    store = FileStore(tmp_path)
    store.save("RM_1", STATE)
    (tmp_path / "RM_1.json").write_text(text)
    with pytest.raises(StateError, match="only who agrees"):
        store.load("RM_1")


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    store = FileStore(tmp_path / "taken")
    for act in (lambda: store.save("RM_1", STATE), lambda: store.claim("RM_1")):
        with pytest.raises(StateError, match="CAPTIONER_STATE"):
            act()


@pytest.mark.parametrize("room", ["", "../etc/passwd", "a/b", "x" * 100])
def test_no_room_leads_out_of_the_folder(tmp_path: Path, room: str) -> None:
    with pytest.raises(StateError):
        FileStore(tmp_path).load(room)


def test_a_room_belongs_to_one_living_bot_and_is_free_when_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from captioner.controls.state_store import FileStore;"
        "store = FileStore(pathlib.Path(sys.argv[1])); print(store.claim('RM_1'), flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "True\n"
        assert not FileStore(tmp_path).claim("RM_1")
        other.kill()
        other.wait()
    again = FileStore(tmp_path)
    assert again.claim("RM_1")
    assert again.claim("RM_1")
    again.release("RM_1")


def test_rooms_long_over_are_forgotten(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for room in ("RM_old", "RM_new"):
        store.claim(room)
        store.save(room, STATE)
        store.release(room)
    long_ago = time.time() - (KEEP_DAYS + 1) * 86_400
    os.utime(tmp_path / "RM_old.json", (long_ago, long_ago))
    assert store.tidy() == 1
    assert store.load("RM_old") is None
    assert store.load("RM_new") is not None


def test_a_decision_is_no_sign_of_life(store: StateStore) -> None:
    """A bot that dies just after one was behind all the same: the gap begins before it."""
    store.save("RM_1", STATE)
    store.live("RM_1", 1_700_000_012_345)
    store.save("RM_1", STATE)
    found = store.load("RM_1")
    assert found is not None
    assert found.alive_utc_ms == 1_700_000_012_345
