"""The parent of a worker: what its children are told, and what becomes of them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from captioner.errors import CaptionerError
from captioner.worker.fork_server import Forks

PARENT = """
import asyncio, fcntl, os, signal, socket, sys, tempfile
from captioner.commands import main
from captioner.worker.fork_server import Forks, ForkServer

def print(*words):  # at once and whole, because several processes write to one pipe
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

async def scenario(forks):
    %s

async def worker(connection):
    forks = Forks(connection)
    running, work = map(asyncio.create_task, (forks.run(), scenario(forks)))
    await asyncio.wait({running, work}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()
    else:
        print("lost:", running.exception())

def bot(variables, lock):
    print("bot", variables["does"], len(os.listdir(f"/proc/{os.getppid()}/task")))
    if variables["does"] == "waits":
        signal.pause()
    os._exit(int(variables["does"]))

def model(listener):
    connection, _ = listener.accept()
    connection.sendall(b"model")
    os._exit(0)

def work(connection):
    asyncio.run(worker(connection))
    os._exit(3)

with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
    listener.bind(folder + "/model")
    listener.listen()
    os.environ["MODEL"] = folder + "/model"
    sys.exit(ForkServer(worker=work, bot=bot, model=model, listener=listener).run())
"""


def parent(scenario: str, folder: Path) -> subprocess.Popen[str]:
    script = PARENT % scenario.strip().replace("\n", "\n    ")
    return subprocess.Popen(
        [sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip


def test_bots_are_forked_from_one_thread_and_the_worker_is_told_how_each_has_ended(
    tmp_path: Path,
) -> None:
    made = parent(
        """
five = await forks.start({"does": "5"}, None)
waits = await forks.start({"does": "waits"}, None)
print(await forks.wait(five))
os.kill(waits, signal.SIGKILL)
print(await forks.wait(waits))
""",
        tmp_path,
    )
    lines = made.communicate()[0].splitlines()
    assert "bot 5 1" in lines
    assert [line for line in lines if "bot" not in line] == ["5", str(-signal.SIGKILL)]
    assert made.returncode == 3  # the worker's


def test_a_worker_that_ends_before_it_has_read_what_it_is_told_gives_its_code_all_the_same(
    tmp_path: Path,
) -> None:
    made = parent(
        """
five = await forks.start({"does": "5"}, None)
while os.path.exists(f"/proc/{five}"):
    pass  # and read nothing
os._exit(3)
""",
        tmp_path,
    )
    made.communicate()
    assert made.returncode == 3


def test_a_bot_holds_its_lock_and_no_other_process_does(tmp_path: Path) -> None:
    made = parent(
        """
def locked():
    with open("lock") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

with open("lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    first = await forks.start({"does": "waits"}, lock)
second = await forks.start({"does": "waits"}, None)
print(locked())
os.kill(first, signal.SIGKILL)
await forks.wait(first)
print(locked())
os.kill(second, signal.SIGKILL)
""",
        tmp_path,
    )
    lines = made.communicate()[0].splitlines()
    assert [line for line in lines if not line.startswith("bot")] == ["True", "False"]


def test_a_model_is_forked_for_whoever_connects_and_again_once_it_has_ended(
    tmp_path: Path,
) -> None:
    made = parent(
        """
for _ in range(3):
    reader, writer = await asyncio.open_unix_connection(os.environ["MODEL"])
    print(await reader.read())
    writer.close()
""",
        tmp_path,
    )
    assert made.communicate()[0].splitlines() == ["b'model'"] * 3


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_parent_is_for_the_worker_and_no_bot(
    told: signal.Signals, tmp_path: Path
) -> None:
    made = parent(
        """
stopped = asyncio.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    asyncio.get_running_loop().add_signal_handler(number, stopped.set)
waits = await forks.start({"does": "waits"}, None)
print("ready")
await stopped.wait()
os.kill(waits, 0)
print("stopped")
os.kill(waits, signal.SIGKILL)
""",
        tmp_path,
    )
    assert made.stdout is not None
    while "ready" not in made.stdout.readline():
        pass
    made.send_signal(told)
    assert "stopped" in made.communicate()[0]
    assert made.returncode == 3


def test_the_bots_of_a_parent_that_is_killed_live_on_and_its_worker_ends(tmp_path: Path) -> None:
    made = parent(
        """
print("ready", os.getpid(), await forks.start({"does": "waits"}, None))
await asyncio.Event().wait()
""",
        tmp_path,
    )
    assert made.stdout is not None
    while not (line := made.stdout.readline()).startswith("ready"):
        pass
    worker, bot = map(psutil.Process, map(int, line.split()[1:]))
    made.kill()
    worker.wait(60)
    assert bot.is_running()
    bot.kill()
    assert "start the worker again" in made.communicate()[0]


@pytest.mark.parametrize("asked", [False, True], ids=["", "with a request that nobody read"])
@pytest.mark.parametrize("told", [b"", b'{"ended": 7', b'{"ended": 7, "code": 0}\n'])
async def test_a_worker_whose_parent_is_gone_is_told_what_to_do(asked: bool, told: bytes) -> None:
    ours, theirs = socket.socketpair()
    forks = Forks(ours)
    starting = asyncio.create_task(forks.start({"does": "5"}, None)) if asked else None
    await asyncio.sleep(0)
    theirs.sendall(told)
    theirs.close()
    with pytest.raises(CaptionerError, match="start the worker again"):
        await forks.run()
    if starting:
        starting.cancel()
