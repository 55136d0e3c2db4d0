from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from captioner.contract_requests import Consent
from captioner.controls.decisions import Choices, Decided
from captioner.controls.redis_store import RedisStore
from captioner.controls.sqlite_store import KEEP_DAYS, SqliteStore
from captioner.controls.state_store import MemoryStore, StateStore, Stored
from captioner.errors import StateDamaged, StateError
from captioner.publishing.room_clock import Instant, SignOfLife

STATE = Stored(
    Decided(
        "auto:fr,en",
        "kyutai",
        enabled=False,
        by="a1",
        consents={"b2": Consent(True, False)},
        spoken={"b2": Choices("de", "fr")},
    ),
    session="s",
    origin_utc_ms=1_700_000_000_000,
)
ALIVE = SignOfLife(12_345, Instant(1_700_000_012_345, "boot", 99_000))


@pytest.fixture(params=["file", "memory", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    store: StateStore = MemoryStore()
    if request.param == "file":
        store = SqliteStore(tmp_path / "new")
    elif request.param == "redis":
        url = request.getfixturevalue("redis_server").url
        store = RedisStore(url, owner="bot", secret="s")
    for room in ("RM_1", "RM_2"):
        assert store.claim(room)
    return store


def test_what_was_decided_is_there_after_a_restart(store: StateStore) -> None:
    assert store.load("RM_1") is None
    store.save("RM_1", STATE)
    store.live("RM_1", ALIVE)
    found = store.load("RM_1")
    assert found is not None
    assert (found.decided, found.session, found.origin_utc_ms) == (
        STATE.decided, STATE.session, STATE.origin_utc_ms,
    )  # fmt: skip
    assert found.alive == ALIVE
    assert store.load("RM_2") is None


def test_two_rooms_are_kept_apart(store: StateStore) -> None:
    store.save("RM_1", STATE)
    store.save("RM_2", Stored(Decided("en", "embedded"), "t", 5))
    first, second = store.load("RM_1"), store.load("RM_2")
    assert first
    assert second
    assert (first.session, second.session) == ("s", "t")


@pytest.mark.parametrize(
    "state",
    ["", "{", "[]", "{}", '{"decided":{"consents":[]}}',
     '{"decided":{"language":"en","engine":"e","enabled":"yes","consents":{}},'
     '"session":"s","origin_utc_ms":1}'],
)  # fmt: skip
def test_a_state_that_cannot_be_understood_says_so(tmp_path: Path, state: str) -> None:
    store = SqliteStore(tmp_path)
    store.claim("RM_1")
    store.save("RM_1", STATE)
    with contextlib.closing(sqlite3.connect(tmp_path / "decisions.sqlite3")) as database, database:
        database.execute("UPDATE rooms SET state = ?", [state])
    with pytest.raises(StateDamaged, match="only who agrees"):
        store.load("RM_1")


def test_a_state_of_another_installation_says_so(tmp_path: Path) -> None:
    """Its refusals are under names that this one does not know."""
    SqliteStore(tmp_path).save("RM_1", STATE)
    (tmp_path / "key").write_bytes(b"k" * 32)
    with pytest.raises(StateDamaged, match="only who agrees"):
        SqliteStore(tmp_path).load("RM_1")


def test_a_database_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "decisions.sqlite3").write_bytes(b"nonsense " * 1_000)
    with pytest.raises(StateError, match="CAPTIONER_STATE"):
        SqliteStore(tmp_path).load("RM_1")


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    store = SqliteStore(tmp_path / "taken")
    for act in (lambda: store.save("RM_1", STATE), lambda: store.claim("RM_1")):
        with pytest.raises(StateError, match="CAPTIONER_STATE"):
            act()


@pytest.mark.parametrize("room", ["", "../etc/passwd", "a/b", "x" * 100])
def test_no_room_leads_out_of_the_folder(tmp_path: Path, room: str) -> None:
    with pytest.raises(StateError):
        SqliteStore(tmp_path).load(room)


def test_a_room_belongs_to_one_living_bot_and_is_free_when_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from captioner.controls.sqlite_store import SqliteStore;"
        "store = SqliteStore(pathlib.Path(sys.argv[1])); print(store.claim('RM_1'), flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "True\n"
        assert not SqliteStore(tmp_path).claim("RM_1")
        other.kill()
        other.wait()
    again = SqliteStore(tmp_path)
    assert again.claim("RM_1")
    assert again.claim("RM_1")
    again.release("RM_1")


DAYS_MS = (KEEP_DAYS + 1) * 86_400_000


def over(folder: Path, *rooms: str, alive: SignOfLife) -> SqliteStore:
    """A store with rooms that nobody is in any more."""
    store = SqliteStore(folder)
    for room in rooms:
        store.claim(room)
        store.save(room, STATE)
        store.live(room, alive)
        store.release(room)
    return store


def test_rooms_long_over_are_forgotten(tmp_path: Path) -> None:
    now = Instant.now()
    over(tmp_path, "RM_new", alive=SignOfLife(0, now))
    store = over(tmp_path, "RM_old", alive=SignOfLife(0, Instant(now.wall_ms - DAYS_MS)))
    assert store.tidy(now) == 1
    assert store.load("RM_old") is None
    assert store.load("RM_new") is not None


def test_a_wall_clock_that_was_set_forward_makes_no_room_old(tmp_path: Path) -> None:
    alive = Instant(1_700_000_000_000, "boot", 99_000)
    store = over(tmp_path, "RM_1", alive=SignOfLife(0, alive))
    assert store.tidy(Instant(alive.wall_ms + DAYS_MS, "boot", 100_000)) == 0
    assert store.tidy(Instant(alive.wall_ms, "boot", 99_000 + DAYS_MS)) == 1


def test_a_bot_never_forgets_what_was_decided_in_the_room_that_it_takes(tmp_path: Path) -> None:
    over(tmp_path, "RM_1", alive=SignOfLife(0, Instant(0)))  # fifty years ago, says the clock
    again = SqliteStore(tmp_path)
    assert again.claim("RM_1")
    assert again.load("RM_1") is not None


def test_the_time_of_the_file_stands_for_a_sign_of_life_that_a_loss_of_power_took(
    tmp_path: Path,
) -> None:
    store = over(tmp_path, "RM_1", alive=ALIVE)
    lock = tmp_path / "RM_1.lock"
    for left in (b"", bytes(256), lock.read_bytes()[:40]):
        lock.write_bytes(left)
        os.utime(lock, (1_700_000_007, 1_700_000_007))
        found = store.load("RM_1")
        assert found is not None
        assert found.alive == SignOfLife(7_000, Instant(1_700_000_007_000))


def test_a_decision_is_no_sign_of_life(store: StateStore) -> None:
    """A bot that dies just after one was behind all the same: the gap begins before it."""
    store.save("RM_1", STATE)
    store.live("RM_1", ALIVE)
    store.save("RM_1", STATE)
    found = store.load("RM_1")
    assert found is not None
    assert found.alive == ALIVE


def test_what_earlier_versions_kept_is_taken_over_once(tmp_path: Path) -> None:
    old = {
        "v": 1, "session": "s", "identity": "captions-1", "origin_utc_ms": 5, "alive_utc_ms": 0,
        "decided": {
            "language": "fr", "engine": "kyutai", "enabled": False, "transcript": True,
            "by": "Olga", "strict": False,
            "consents": {"gwen": {"captioned": False, "kept": False}},
        },
    }  # fmt: skip
    (tmp_path / "RM_1.json").write_text(json.dumps(old))
    os.utime(tmp_path / "RM_1.json", (1_800_000_000, 1_800_000_000))
    (tmp_path / "RM_2.json").write_text("{")
    store = SqliteStore(tmp_path)
    found = store.load("RM_1")
    assert found is not None
    assert found.alive == SignOfLife(1_800_000_000_000 - 5, Instant(1_800_000_000_000))
    assert found.decided == Decided(
        "fr", "kyutai", enabled=False, transcript=True,
        consents={store.pseudonym("gwen"): Consent(False, False)},
    )  # fmt: skip
    with pytest.raises(StateDamaged):
        store.load("RM_2")
    assert list(tmp_path.glob("*.json")) == []


def test_nobody_but_the_owner_can_read_it_and_no_name_or_identity_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    store = SqliteStore(folder)
    store.claim("RM_1")
    consents = {store.pseudonym("gwen"): Consent(False, False)}
    by = store.pseudonym("olga")
    store.save("RM_1", Stored(Decided("fr", "kyutai", by=by, consents=consents), "s", 1))
    store.save("RM_1", Stored(Decided("fr", "kyutai", by=by, consents=consents), "t", 2))
    names = {path.name for path in folder.iterdir()}
    assert {"decisions.sqlite3-wal", "decisions.sqlite3-shm"} <= names
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
        assert b"gwen" not in path.read_bytes()
        assert b"olga" not in path.read_bytes()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_files_that_others_could_read_are_closed_to_them(tmp_path: Path) -> None:
    for name in ("decisions.sqlite3", "RM_1.lock"):
        (tmp_path / name).touch(0o644)
    SqliteStore(tmp_path).claim("RM_1")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_a_thousand_saves_of_one_room_by_threads_do_not_fail_and_the_last_one_stands(
    tmp_path: Path,
) -> None:
    """Two bots of one installation, of which one also gives its signs of life."""
    stores = [SqliteStore(tmp_path), SqliteStore(tmp_path)]
    stores[0].claim("RM_1")
    numbers, turn, failures = iter(range(1_000)), threading.Lock(), list[BaseException]()
    ended = threading.Event()

    def save(store: SqliteStore) -> None:
        try:
            while True:
                with turn:
                    if (number := next(numbers, None)) is None:
                        return
                    store.save("RM_1", Stored(STATE.decided, "s", number))
        except BaseException as exc:
            failures.append(exc)

    def save_freely(store: SqliteStore) -> None:
        try:
            while not ended.is_set():
                store.live("RM_1", ALIVE)
                store.save("RM_2", STATE)
        except BaseException as exc:
            failures.append(exc)

    tick = threading.Thread(target=save_freely, args=[stores[0]])
    threads = [threading.Thread(target=save, args=[stores[n % 2]]) for n in range(4)]
    for thread in (tick, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    tick.join()
    assert failures == []
    found = SqliteStore(tmp_path).load("RM_1")
    assert found is not None
    assert (found.origin_utc_ms, found.alive) == (999, ALIVE)


SAVING = """
import os, pathlib, sys
from captioner.controls.decisions import Decided
from captioner.controls.redis_store import RedisStore
from captioner.controls.sqlite_store import SqliteStore
from captioner.controls.state_store import Stored
store = SqliteStore(pathlib.Path(sys.argv[1]))
store.claim("RM_1")
for number in range(int(sys.argv[2]), 1_000_000):
    store.save("RM_1", Stored(Decided("en", "embedded"), "s", number))
    os.write(1, f"{number}\\n".encode())
"""


def test_a_killed_process_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    last = 0
    for kill_after in (1, 30, 100):
        with subprocess.Popen(
            [sys.executable, "-c", SAVING, str(tmp_path), str(last)],
            stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout
            for _ in range(kill_after):
                process.stdout.readline()
            process.kill()
            lines = [line for line in process.stdout if line.endswith("\n")]
            last = int(lines[-1]) if lines else last + kill_after - 1
        found = SqliteStore(tmp_path).load("RM_1")
        assert found is not None
        assert found.origin_utc_ms >= last
        last = found.origin_utc_ms
