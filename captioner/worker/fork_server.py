"""The parent of a worker and of its bots: it has imported everything, and forks.

A forked bot imports nothing of its own and shares the parent's memory: 0.15 seconds of processor
time where a new interpreter takes 1.5. The parent itself never starts a thread, an event loop, the
SDK or a model, because a child would inherit their locks as they are.

Worker and parent talk over a pair of sockets, in lines of JSON. When the worker ends so does the
parent; when the parent is killed the worker ends. The bots live on in both cases.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import IO, NoReturn

from captioner.errors import CaptionerError

LINE_MAX = 65_536
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals to the parent that are the worker's to follow."""

Variables = Mapping[str, str]


class ForkServer:
    """The parent's side. worker: what the first child does with its end of the connection.
    bot: what each further child does, with what the worker says of it, and its lock, a file
    descriptor, or None. model: what a child does
    whenever somebody connects to ``listener`` and no such child lives.
    """

    def __init__(
        self,
        *,
        worker: Callable[[socket.socket], NoReturn],
        bot: Callable[[Variables, int | None], NoReturn],
        model: Callable[[socket.socket], NoReturn],
        listener: socket.socket,
    ) -> None:
        self._run_worker, self._run_bot, self._run_model = worker, bot, model
        self._listener = listener
        self._connection, self._workers_end = socket.socketpair()
        self._woken, self._wakes = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._worker = self._model = 0
        self._bots: set[int] = set()

    def run(self) -> int:
        """Until the worker has ended; its exit code, as a shell gives it."""
        self._wakes.setblocking(False)
        signal.set_wakeup_fd(self._wakes.fileno())
        for number in (signal.SIGCHLD, *FORWARDED):
            signal.signal(number, self._signalled)
        gc.collect()
        gc.freeze()  # a child's collector would write to every page that is shared
        end = self._workers_end
        self._worker = self._fork(lambda: self._run_worker(end), keep=[end.fileno()])
        end.close()
        for readable in (self._woken, self._connection, self._listener):
            self._selector.register(readable, selectors.EVENT_READ)
        while (code := self._reap()) is None:
            for key, _ in self._selector.select():
                self._read(key.fileobj)
        if self._model and not self._bots:
            os.kill(self._model, signal.SIGKILL)
        return code

    def _signalled(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD and self._worker:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._worker, number)

    def _read(self, readable: object) -> None:
        if readable is self._woken:
            self._woken.recv(LINE_MAX)
        elif readable is self._listener:
            self._selector.unregister(self._listener)  # whoever connects is the child's
            file = self._listener.fileno()
            self._model = self._fork(lambda: self._run_model(self._listener), keep=[file])
        else:
            self._start_bot()

    def _start_bot(self) -> None:
        # The worker waits for the answer, so that there is one line at most.
        line, files = b"", list[int]()
        with contextlib.suppress(ConnectionResetError):  # it ended before it read all we told it
            line, files, _, _ = socket.recv_fds(self._connection, LINE_MAX, 1)
        if not line:
            self._selector.unregister(self._connection)  # the worker is about to end
            return
        variables = json.loads(line)
        try:
            pid = self._fork(
                lambda: self._run_bot(variables, files[0] if files else None), keep=files
            )
        except OSError as exc:
            self._tell(failed=exc.strerror)
        else:
            self._bots.add(pid)
            self._tell(started=pid)
        for file in files:
            os.close(file)  # the lock is the bot's now

    def _reap(self) -> int | None:
        """The worker's exit code if it has ended."""
        ended = None
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, code = found[0], os.waitstatus_to_exitcode(found[1])
                if pid == self._worker:
                    ended = code if code >= 0 else 128 - code
                elif pid == self._model:
                    self._model = 0
                    self._selector.register(self._listener, selectors.EVENT_READ)
                else:
                    self._bots.discard(pid)
                    self._tell(ended=pid, code=code)
        return ended

    def _tell(self, **what: object) -> None:
        with contextlib.suppress(OSError):  # the worker is about to end
            self._connection.sendall(json.dumps(what).encode() + b"\n")

    def _fork(self, work: Callable[[], NoReturn], *, keep: Sequence[int]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            self._become_child(keep)
            work()
        finally:  # whatever happened, it must not go on as the parent
            os._exit(os.EX_SOFTWARE)

    def _become_child(self, keep: Sequence[int]) -> None:
        os.setsid()  # a Ctrl-C is for the parent, which tells the worker
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, *FORWARDED):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # until a bot knows what to do
        # A lock that stands for another process would outlive it here.
        for file in map(int, os.listdir("/dev/fd")):
            if file > 2 and file not in keep:
                with contextlib.suppress(OSError):
                    os.close(file)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


class Forks:
    """The worker's side; ``run`` has to run for it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._asking = asyncio.Lock()
        self._answer: asyncio.Future[int] | None = None
        self._codes: dict[int, asyncio.Future[int]] = {}

    async def run(self) -> None:
        """Until cancelled. Raises CaptionerError when the parent is gone."""
        reader, writer = await asyncio.open_connection(sock=self._connection)
        # A connection counts as reset if the parent had a request yet to read.
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            async for line in reader:
                if line.endswith(b"\n"):  # else it was killed as it wrote
                    self._told(json.loads(line))
        raise CaptionerError("the parent process was killed: start the worker again")

    async def start(self, variables: Variables, lock: IO[str] | None) -> int:
        """Fork a bot, which holds ``lock`` from then on; its process id. Raises OSError."""
        async with self._asking:
            self._answer = asyncio.get_running_loop().create_future()
            line = json.dumps(dict(variables)).encode()
            socket.send_fds(self._connection, [line], [lock.fileno()] if lock else [])
            return await self._answer

    async def wait(self, pid: int) -> int:
        """Until the bot that was started as ``pid`` has ended; its exit code."""
        code = await self._codes[pid]
        del self._codes[pid]
        return code

    def _told(self, what: Mapping[str, int]) -> None:
        match what:
            case {"started": pid}:
                self._codes[pid] = asyncio.get_running_loop().create_future()
                self._answered(lambda answer: answer.set_result(pid))
            case {"failed": reason}:
                self._answered(lambda answer: answer.set_exception(OSError(0, reason)))
            case {"ended": pid, "code": code} if pid in self._codes:
                self._codes[pid].set_result(code)

    def _answered(self, answer: Callable[[asyncio.Future[int]], None]) -> None:
        if self._answer and not self._answer.done():
            answer(self._answer)
