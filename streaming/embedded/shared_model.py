"""Models in a process of their own, for the engines of several processes of one user.

A model takes 100 MB and more, and half a second of processor time to load. What is known of a
voice stays with its engine, which asks for one decode at a time: if the model's process is killed
nothing is lost, and the next one is asked again.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Client, Connection

from streaming.audio import Pcm
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.models import Loaded, Model
from streaming.embedded.stream_job import SpeechModel, TakesVocabulary
from streaming.errors import StreamingError


@dataclass(frozen=True, slots=True)
class Decode:
    """A request for the words in a piece of sound."""

    language: str
    pcm: Pcm
    draft: tuple[int, ...]
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detect:
    """A request for the language of a voice."""

    pcm: Pcm
    among: tuple[str, ...]


Request = Decode | Detect | None
"""None only loads the model."""

Answer = Hypothesis | Mapping[str, float] | StreamingError | None

IDLE_S = 60.0
"""The process ends when nobody has been connected to it for so long."""

PATIENCE_S = 3.0
"""How long an engine looks for the process until it loads a model of its own."""

ANSWER_S = 10.0
"""A process that takes so long for one decode counts as frozen."""

RETRY_S = 0.1


def serve(
    listener: socket.socket,
    models: Sequence[Model],
    *,
    threads: int | None = None,
    idle_s: float = IDLE_S,
) -> None:
    """Decode for whoever connects, until nobody has been connected for ``idle_s``.

    models: each is loaded when somebody needs it. threads: decodes in parallel; None for one per
    processor. Whoever can reach ``listener`` can run code here: it belongs into a folder of the
    user's own.
    """
    server = _Server(models, threads or os.cpu_count() or 1)
    users: list[threading.Thread] = []
    listener.settimeout(idle_s)
    while True:
        accepted = None
        with contextlib.suppress(TimeoutError):
            accepted, _ = listener.accept()
        users = [user for user in users if user.is_alive()]
        if accepted is None:
            if not users:
                return
            continue
        connection = Connection(accepted.detach())
        user = threading.Thread(target=server.answer, args=(connection,), daemon=True)
        user.start()
        users.append(user)


class _Server:
    def __init__(self, models: Sequence[Model], threads: int) -> None:
        self._models = {model.name: model for model in models}
        self._threads = threads
        self._decodes = threading.BoundedSemaphore(threads)
        self._loading = threading.Lock()
        self._loaded: dict[str, Loaded] = {}

    def answer(self, connection: Connection) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            while True:
                name, request = connection.recv()
                try:
                    answer: Answer = self._answer(name, request)
                except StreamingError as exc:
                    answer = exc
                connection.send(answer)

    def _answer(self, name: str, request: Request) -> Answer:
        with self._loading:
            if name not in self._loaded:
                self._loaded[name] = self._models[name].load(self._threads)
        loaded = self._loaded[name]
        if request is None:
            return None
        with self._decodes:
            match request:
                case Decode():
                    return _decoded(loaded, request)
                case Detect(pcm, among):
                    return loaded.detect_language(pcm, among)


def shared(model: Model, address: str, *, patience_s: float = PATIENCE_S) -> Model:
    """The model, in the process that listens at ``address`` and is loaded there.

    patience_s: so long that process is looked for, until the model is loaded here after all.
    """
    other = model.in_bad_rooms and shared(model.in_bad_rooms, address, patience_s=patience_s)
    return replace(
        model, in_bad_rooms=other,
        load=lambda threads: SharedModel(model, address, threads, patience_s),
    )  # fmt: skip


class SharedModel:
    """A model of another process; made by ``shared``. Several threads may use it at once.

    Raises RecognizerUnavailable if it cannot be loaded.
    """

    def __init__(self, model: Model, address: str, threads: int, patience_s: float) -> None:
        self._model = model
        self._address = address
        self._threads = threads
        self._patience_s = patience_s
        self._own: Loaded | None = None
        self._guard = threading.Lock()
        self._free: list[Connection] = []
        self._elsewhere(None)

    def speaking(self, language: str) -> SpeechModel:
        """Return the model for one of its languages."""
        return _Speaking(self, language)

    def detect_language(self, pcm: Pcm, among: Sequence[str] = ()) -> Mapping[str, float]:
        """As a ``Loaded`` does it."""
        answer = self._elsewhere(Detect(pcm, tuple(among)))
        if isinstance(answer, Mapping):
            return answer
        assert self._own is not None
        return self._own.detect_language(pcm, among)

    def decode(self, request: Decode) -> Hypothesis:
        """As a ``SpeechModel`` does it."""
        answer = self._elsewhere(request)
        if isinstance(answer, Hypothesis):
            return answer
        assert self._own is not None
        return _decoded(self._own, request)

    def close(self) -> None:
        """Leave the process; the next decode connects anew."""
        with self._guard:
            while self._free:
                self._free.pop().close()

    def _elsewhere(self, request: Request) -> Hypothesis | Mapping[str, float] | None:
        """The other process's answer; None if it has none, or the model is here by now."""
        until = time.monotonic() + self._patience_s
        while self._own is None:
            try:
                answer = self._ask(request)
            except (OSError, EOFError):
                if time.monotonic() < until:
                    time.sleep(RETRY_S)
                    continue
                with self._guard:
                    self._own = self._own or self._model.load(self._threads)
            else:
                if isinstance(answer, StreamingError):
                    raise answer
                return answer
        return None

    def _ask(self, request: Request) -> Answer:
        with self._connected() as connection:
            connection.send((self._model.name, request))
            if not connection.poll(ANSWER_S):
                raise TimeoutError
            answer: Answer = connection.recv()
            return answer

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection that no other thread uses; it is kept unless it fails."""
        with self._guard:
            connection = self._free.pop() if self._free else None
        connection = connection or Client(self._address, "AF_UNIX")
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._guard:
            self._free.append(connection)


@dataclass(frozen=True, slots=True)
class _Speaking:
    model: SharedModel
    language: str
    vocabulary: tuple[str, ...] = ()

    def expecting(self, vocabulary: Sequence[str]) -> SpeechModel:
        return replace(self, vocabulary=tuple(vocabulary))

    def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
        request = Decode(self.language, pcm, tuple(draft), self.vocabulary)
        return self.model.decode(request)


def _decoded(loaded: Loaded, request: Decode) -> Hypothesis:
    model = loaded.speaking(request.language)
    if request.vocabulary and isinstance(model, TakesVocabulary):
        model = model.expecting(request.vocabulary)
    return model.decode(request.pcm, request.draft)
