"""Decisions in Redis, which other machines know too. What every store does: test_state_store.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from captioner.bot.scripted_meeting import scripted_meeting
from captioner.contract_requests import CONSENT, HELLO, Consent
from captioner.controls.decisions import Decided
from captioner.controls.open_store import open_store
from captioner.controls.redis_store import RedisStore
from captioner.controls.state_store import Stored
from captioner.errors import ConfigurationError, StateDamaged, StateError
from captioner.publishing.room_clock import Instant, SignOfLife
from eval.rooms.redis_server import RedisServer

SIGN = SignOfLife(12_345, Instant(1_700_000_012_345))
SECRET = "a secret of at least 32 characters"


@pytest.fixture
def url(redis_server: RedisServer) -> str:
    return redis_server.url


def store_of(url: str, owner: str, secret: str = SECRET) -> RedisStore:
    return RedisStore(url, owner=owner, secret=secret)


def refused_by(store: RedisStore, who: str) -> Stored:
    consents = {store.pseudonym(who): Consent(False, False)}
    return Stored(Decided("fr", "kyutai", consents=consents), "session", 1_700_000_000_000)


def test_a_bot_on_another_machine_knows_who_refused(url: str) -> None:
    one, other = store_of(url, "one"), store_of(url, "other")
    one.claim("RM_1")
    one.save("RM_1", refused_by(one, "anna"))
    found = other.load("RM_1")
    assert found
    assert found.decided.consents[other.pseudonym("anna")] == Consent(False, False)


def test_a_living_bot_keeps_its_room_and_one_of_the_same_identity_has_it_at_once(url: str) -> None:
    one, other, again = store_of(url, "one"), store_of(url, "other"), store_of(url, "one")
    assert one.claim("RM_1")
    assert not other.claim("RM_1")
    assert again.claim("RM_1")
    other.release("RM_1")  # it is not its to release
    assert not other.claim("RM_1")
    again.release("RM_1")
    assert other.claim("RM_1")


def test_what_another_installation_wrote_cannot_be_understood(url: str) -> None:
    one = store_of(url, "one")
    one.save("RM_1", refused_by(one, "anna"))
    with pytest.raises(StateDamaged, match="only who agrees"):
        store_of(url, "one", "the secret of another installation").load("RM_1")


def test_a_redis_that_was_emptied_is_told_again_by_the_next_sign_of_life(
    redis_server: RedisServer,
) -> None:
    one, other = store_of(redis_server.url, "one"), store_of(redis_server.url, "other")
    said = refused_by(one, "anna")
    one.save("RM_1", said)
    redis_server.stop()
    with pytest.raises(StateError, match="CAPTIONER_STATE"):
        one.live("RM_1", SIGN)
    redis_server.start()
    one.live("RM_1", SIGN)
    assert other.load("RM_1") == replace(said, alive=SIGN)
    assert not other.claim("RM_1")


def test_a_redis_that_is_silent_is_an_error_in_time(redis_server: RedisServer) -> None:
    one = store_of(redis_server.url, "one")
    one.probe()
    redis_server.freeze()
    with pytest.raises(StateError):
        one.load("RM_1")


def test_neither_speech_nor_an_identity_of_a_person_is_in_redis(url: str) -> None:
    one = store_of(url, "captions-1")
    one.save("RM_1", refused_by(one, "anna@example.org"))
    with redis.Redis.from_url(url) as other:
        held = [other.hgetall(name) for name in other.scan_iter()]
    assert "kyutai" in str(held)
    assert "anna" not in str(held)


async def test_who_refused_is_not_captioned_by_the_next_machine_and_without_redis_neither(
    redis_server: RedisServer,
) -> None:
    url, there = redis_server.url, ("anna", "bob")
    async with scripted_meeting(store=store_of(url, "one"), there=there) as meeting:
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
    async with scripted_meeting(store=store_of(url, "other"), there=there) as meeting:
        while not meeting.said("bob"):
            await meeting.speak(*there, frames=1)
        assert not meeting.said("anna")
        assert not meeting.bot.controls.captions("anna")
    redis_server.stop()
    async with scripted_meeting(store=store_of(url, "third"), there=there) as meeting:
        assert not any(meeting.bot.controls.captions(who) for who in there)
        await meeting.room.ask("bob", HELLO, want=True, wish="none")
        while not meeting.said("bob"):
            await meeting.speak(*there, frames=1)
        assert not meeting.said("anna")


@pytest.mark.parametrize(("place", "secret"), [("redis://host:port", SECRET), ("redis://host", "")])
def test_an_address_or_a_secret_that_is_not_there_is_an_error(place: str, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="CAPTIONER_STATE"):
        open_store(place, owner="one", secret=secret)
