"""A track's audio, and its end-to-end encryption."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from weakref import WeakSet

import numpy as np
import numpy.typing as npt
import structlog
from livekit import rtc

from captioner import metrics
from captioner.room.frame_queue import Sound
from streaming.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, Pcm
from streaming.backoff import Backoff
from streaming.downmix import Downmix

log = structlog.get_logger()

ZEROS_MAX = 1_000 // FRAME_MS
"""Frames of exact silence from an active speaker; a second of it means another key."""

UNREADY = 640 // FRAME_MS
"""First frames of an encrypted track that are discarded: until decryption is ready the SDK decodes
encrypted packets, which gives noise up to full scale and rings until it is exactly silent again
(seen in 11 of 24 tracks, for up to 7 frames)."""

STATS_S = 1.0
"""How long to wait for the SDK's statistics, in seconds; no frame is read meanwhile."""

_COUNT_EVERY = 10
"""In frames: at least two packets arrive meanwhile, even if the sender omits silence."""

_CHANNELS = 2
"""Requested of the SDK, whose own mono is the mean: silence for channels of opposite phase."""


def encryption(key: str) -> rtc.E2EEOptions | None:
    """Return the options to join with the shared key of an encrypted room; none for ""."""
    if not key:
        return None
    return rtc.E2EEOptions(key_provider_options=rtc.KeyProviderOptions(shared_key=key.encode()))


class Cipher:
    """Tracks which tracks of a room can be heard with ``key``, or "" for none.

    Audio encrypted with another key arrives as exact silence, although the server sees an active
    speaker; the SDK (1.1) does not report the failed decryption.
    """

    def __init__(self, key: str, changed: Callable[[], None]) -> None:
        self.options = encryption(key)
        self._changed = changed
        self._speaking: set[str] = set()  # according to the media server
        self._other_keys: set[str] = set()
        self._ready: WeakSet[rtc.Track] = WeakSet()

    def is_noise(self, publication: rtc.TrackPublication) -> bool:
        """Return whether it is encrypted and we have no key."""
        return self.options is None and publication.encryption_type != rtc.EncryptionType.NONE

    def closed(self, publication: rtc.TrackPublication, identity: str) -> bool:
        """Return whether we cannot hear it, because we lack the right key."""
        return self.is_noise(publication) or identity in self._other_keys

    def speaking(self, people: Iterable[rtc.Participant]) -> None:
        """Note who speaks now, according to the media server."""
        self._speaking = {person.identity for person in people}

    def sound(self, track: rtc.Track, publication: rtc.TrackPublication, identity: str) -> Sound:
        """Return the track's audio, checked for silence if it is encrypted."""
        sound = TrackSound(track)
        if publication.encryption_type == rtc.EncryptionType.NONE:
            return sound
        unready = 0 if track in self._ready else UNREADY
        self._ready.add(track)
        return _Watched(sound, lambda zeros: self._heard(identity, zeros), unready)

    def _heard(self, identity: str, zeros: int) -> None:
        known = identity in self._other_keys
        if known and zeros == 0:
            self._other_keys.discard(identity)
        elif not known and zeros > ZEROS_MAX and identity in self._speaking:
            self._other_keys.add(identity)
        else:
            return
        self._changed()


class TrackSound:
    """frame_queue.Sound of a track. Frames that the SDK pushes are bounded by our queue.

    When no packets arrive, the SDK continues with exact silence, without notice. During such
    silence the packets are therefore counted; if there are none, the frames are left out. What the
    SDK gives has no other holes: on a busy machine it gives late what it could not give in time.
    """

    def __init__(self, track: rtc.Track) -> None:
        self._track = track
        self._stream = _stream(track)
        self._zeros = 0  # frames of exact silence in a row
        self._vouched = 0  # of those, the number when packets were last seen to arrive
        self._packets: int | None = None  # at the last count
        self._dead = False
        self.missing_ms = 0

    @property
    def doubtful_ms(self) -> int:
        """How much of the last audio may be the SDK's own silence."""
        return (self._zeros - self._vouched) * FRAME_MS

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        backoff = Backoff(limit_s=2.0)
        while True:
            try:
                async for pcm in self._frames():
                    backoff.reset()
                    yield pcm
                return
            except Exception as exc:  # the SDK raises nothing narrower
                metrics.SOUND_FAILURES.inc()
                log.error("sound_failed", kind=type(exc).__name__)
            failed_s = time.monotonic()
            await asyncio.sleep(backoff.next_s())
            self._stream = _stream(self._track)
            self.missing_ms += round((time.monotonic() - failed_s) * 1000)

    async def _frames(self) -> AsyncIterator[Pcm]:
        downmix = Downmix(SAMPLE_RATE)
        async for event in self._stream:
            pcm = downmix.feed(_float(event.frame))
            if pcm.any():
                self._zeros = self._vouched = 0
                self._dead, self._packets = False, None
            elif not self._dead:
                self._zeros += 1
                await self._count()
            if self._dead:
                self.missing_ms += FRAME_MS
            else:
                yield pcm

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _count(self) -> None:
        if self._zeros % _COUNT_EVERY:
            return
        before, self._packets = self._packets, await _packets(self._track)
        if before is None or self._packets is None:
            return
        if self._packets > before:
            self._vouched = self._zeros - _COUNT_EVERY
        else:
            self._dead = True


async def _packets(track: rtc.Track) -> int | None:
    """Return the number of RTP packets received so far, or None if unknown."""
    try:
        async with asyncio.timeout(STATS_S):
            known = await track.get_stats()
    except Exception:  # the SDK raises nothing narrower
        metrics.STATS_FAILURES.inc()
        return None
    for stats in known:
        if stats.HasField("inbound_rtp"):
            received: int = stats.inbound_rtp.received.packets_received
            return received
    return None


def _stream(track: rtc.Track) -> rtc.AudioStream:
    return rtc.AudioStream(
        track, sample_rate=SAMPLE_RATE, num_channels=_CHANNELS, frame_size_ms=FRAME_MS
    )


class _Watched:
    """frame_queue.Sound that reports how many successive frames were exact silence."""

    def __init__(self, sound: Sound, tell: Callable[[int], None], unready: int) -> None:
        """unready: first frames to discard."""
        self._sound = sound
        self._tell = tell
        self._unready = unready

    @property
    def doubtful_ms(self) -> int:
        return self._sound.doubtful_ms

    @property
    def missing_ms(self) -> int:
        return self._sound.missing_ms

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        zeros, unready = 0, self._unready
        async for pcm in self._sound:
            if unready:
                unready -= 1
                continue
            zeros = 0 if pcm.any() else zeros + 1
            self._tell(zeros)
            yield pcm

    async def aclose(self) -> None:
        await self._sound.aclose()


def _float(frame: rtc.AudioFrame) -> npt.NDArray[np.float32]:
    """Return float32[1920, channels]."""
    pcm = np.frombuffer(frame.data, dtype=np.int16).reshape(-1, _CHANNELS)
    # The last frame of a track may be short.
    padded = np.pad(pcm, ((0, FRAME_SAMPLES - len(pcm)), (0, 0)))
    return padded.astype(np.float32) / np.float32(32_768)
