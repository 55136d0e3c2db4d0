from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest

from captioner.contract import ConsentRule, State
from captioner.contract_requests import Change, Consent, Hello
from captioner.controls.controls import ARRIVING_S, CHECK_S, IDLE_S, Controls
from captioner.controls.decisions import Decided, HostRule, Known, Policy, Want, Wish
from captioner.controls.rate_limit import RateLimit
from captioner.errors import ConfigurationError, InvalidRequest, RequestCode
from captioner.room.protocol import Kind, Person

OWNER = Person("olga", "Olga", attributes={"room_role": "owner"}, signed=True)
FORGER = Person("felix", "Felix", attributes={"room_role": "owner"}, signed=False)
GUEST = Person("gwen", "Gwen", attributes={"room_role": "member"}, signed=True)
AGENT = Person("bot", "Bot", Kind.AGENT, {"room_role": "owner"}, signed=True)

PHONE = Person("phone", "+33", Kind.PHONE)

POLICY = Policy({"embedded": ("en",), "kyutai": ("en", "fr")})


def controls(policy: Policy = POLICY, **decided: object) -> Controls:
    return Controls(replace(Decided("en", "kyutai"), **decided), policy)  # type: ignore[arg-type]


def do(made: Controls, wish: Wish) -> None:
    """As the decision writer does it once a wish is stored."""
    made.decided = made.fulfilled(wish)


def reading(made: Controls, *people: Person, now: float = 0) -> Controls:
    made.present(people, now)
    for person in people:
        made.hello(person.identity, Hello(True), now)
    return made


def test_a_host_switches_and_is_named() -> None:
    made = controls()
    do(made, made.change(OWNER, Change(enabled=False, language="fr")))
    made.present([OWNER], 0)
    assert (made.decided.enabled, made.decided.language, made.by) == (False, "fr", "Olga")
    made = controls(replace(POLICY, name_hosts=False))
    do(made, made.change(OWNER, Change(enabled=False)))
    made.present([OWNER], 0)
    assert made.by == ""


def test_a_request_without_a_change_names_nobody() -> None:
    made = controls()
    do(made, made.change(OWNER, Change(enabled=True)))
    made.present([OWNER], 0)
    assert made.by == ""


@pytest.mark.parametrize(
    ("person", "why"), [(GUEST, "not-host"), (FORGER, "unsigned"), (AGENT, "not-host")]
)
def test_who_is_no_host_by_signed_facts_may_not_and_is_told_why(person: Person, why: str) -> None:
    made = controls()
    with pytest.raises(InvalidRequest) as refused:
        made.change(person, Change(enabled=False))
    assert (refused.value.code, refused.value.data) == (RequestCode.NOT_ALLOWED, why)
    assert made.you(person)["why"] == why
    assert made.you(OWNER)["host"]
    assert made.decided.enabled


def test_the_rule_for_hosts_can_be_another_one() -> None:
    rule = HostRule.parse("role = chair , clerk")
    assert rule.against(replace(GUEST, attributes={"role": "clerk"})) is None
    assert rule.against(OWNER) == "not-host"
    for bad in ("", "room_role", "=owner", "room_role=,"):
        with pytest.raises(ConfigurationError, match="CAPTIONER_HOSTS"):
            HostRule.parse(bad)


@pytest.mark.parametrize(
    ("change", "there_is"),
    [
        (Change(language="de"), {"languages": ["en", "fr"]}),
        (Change(engine="whisper"), {"engines": ["embedded", "kyutai"]}),
        (Change(language="fr", engine="embedded"), {"languages": ["en"]}),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_what_can(
    change: Change, there_is: dict[str, list[str]]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        controls().change(OWNER, change)
    assert refused.value.code is RequestCode.NO_SUCH_CHOICE
    assert json.loads(refused.value.data) == there_is


def test_a_regional_language_is_known_by_its_primary_tag() -> None:
    assert controls().change(OWNER, Change(language="fr-CA")).switches["language"] == "fr-CA"


def test_a_transcript_needs_the_operators_consent() -> None:
    with pytest.raises(InvalidRequest) as refused:
        controls().change(OWNER, Change(transcript=True))
    assert refused.value.code is RequestCode.NOT_AVAILABLE
    allowed = controls(replace(POLICY, transcripts=True))
    assert allowed.change(OWNER, Change(transcript=True)).switches["transcript"]


def test_everybody_decides_about_the_own_speech_alone() -> None:
    made = controls()
    do(made, made.agree("gwen", Consent(False, False)))
    assert not made.captions("gwen")
    assert made.captions("olga")
    do(made, made.agree("gwen", Consent(True, False)))
    assert made.captions("gwen")
    assert not made.keeps("gwen")
    assert made.you(GUEST)["kept"] is False


def test_where_only_who_agrees_is_captioned_silence_is_no_agreement() -> None:
    for made in (
        controls(replace(POLICY, consent=ConsentRule.IF_AGREED)),
        controls(known=Known.LOST),
    ):
        assert made.consent is ConsentRule.IF_AGREED
        assert not made.captions("gwen")
        assert not made.keeps("gwen")
        do(made, made.agree("gwen", Consent(True, True)))
        assert made.captions("gwen")
        assert made.keeps("gwen")


def test_it_listens_while_somebody_reads_and_a_minute_longer() -> None:
    made = controls()
    made.present([GUEST, OWNER], 0)
    assert made.state(0) is State.IDLE
    made.hello(GUEST.identity, Hello(True), 10)
    assert made.state(500) is State.ON
    made.hello(GUEST.identity, Hello(False), 500)
    assert made.state(500 + IDLE_S - 1) is State.ON
    assert made.state(500 + IDLE_S) is State.IDLE


def test_who_leaves_reads_no_more() -> None:
    made = reading(controls(), GUEST)
    made.present([OWNER], 100)
    assert made.state(100) is State.ON
    assert made.state(100 + IDLE_S) is State.IDLE


def test_who_reads_before_the_media_server_tells_of_them_counts_at_once_but_not_for_ever() -> None:
    made = controls()
    made.present([OWNER], 0)
    made.hello("gwen", Hello(True), 0)
    assert made.state(0) is State.ON
    made.present([OWNER], 2)
    assert made.state(2) is State.ON
    made.present([OWNER, GUEST], 3)
    assert made.state(3_000) is State.ON
    made.present([OWNER], 3_000)
    made.hello("ghost", Hello(True), 4_000)
    assert made.state(4_000 + ARRIVING_S - 1) is State.ON
    assert made.state(4_000 + ARRIVING_S + IDLE_S) is State.IDLE


def test_who_may_send_nothing_counts_as_a_reader_unless_it_is_a_machine() -> None:
    made = controls()
    for kind in (Kind.PHONE, Kind.STREAM, Kind.AGENT):
        made.present([Person("mute", kind=kind, may_send=False)], 0)
        assert made.state(0) is State.IDLE
    made.present([Person("mute", may_send=False)], 1_000)
    assert made.state(1_000) is State.ON
    made.present([Person("mute")], 2_000)
    assert made.state(2_000 + IDLE_S) is State.IDLE


def test_a_restarted_bot_listens_until_the_readers_had_time_to_say_hello_again() -> None:
    made = controls()
    made.linger(5)
    made.present([GUEST], 6)
    assert made.state(5 + IDLE_S - 1) is State.ON
    assert made.state(5 + IDLE_S) is State.IDLE


def test_a_transcript_is_a_reader_and_a_switched_off_room_has_none() -> None:
    assert controls(transcript=True).state(0) is State.ON
    assert reading(controls(enabled=False), GUEST).state(0) is State.OFF


def test_where_everybody_counts_as_a_reader_agents_do_not() -> None:
    made = controls(replace(POLICY, want=Want.ALWAYS))
    made.present([AGENT], 0)
    assert made.state(0) is State.IDLE
    made.present([AGENT, GUEST], 5)
    assert made.state(5) is State.ON


def test_a_thousand_requests_a_second_from_one_caller_leave_the_others_alone() -> None:
    limit = RateLimit(per_s=20, burst=60)
    refused = 0
    for i in range(1000):
        with contextlib.suppress(InvalidRequest):
            limit.take("loud", i / 1000)
            continue
        refused += 1
    assert 900 <= refused < 940
    limit.take("calm", 1.0)
    limit.take("loud", 3.0)


def test_the_callers_remembered_are_bounded() -> None:
    limit = RateLimit(callers=10, burst=1)
    for i in range(1000):
        limit.take(f"caller {i}", 0)
    limit.take("caller 1", 0)  # forgotten
    with pytest.raises(InvalidRequest):
        limit.take("caller 999", 0)


def test_what_protects_is_told_from_what_exposes() -> None:
    made = controls(transcript=True)
    wish = made.change(OWNER, Change(enabled=False, language="fr"))
    assert (made.protected(wish).enabled, made.protected(wish).language) == (False, "en")
    assert made.protected(made.change(OWNER, Change(transcript=False))).transcript is False
    for less in (Consent(False, False), Consent(True, False)):
        assert made.protected(made.agree("gwen", less)) == made.fulfilled(made.agree("gwen", less))
    do(made, made.agree("gwen", Consent(False, False)))
    assert made.protected(made.agree("gwen", Consent(True, False))) == made.decided


def test_nobody_who_was_there_before_a_bot_without_a_state_is_captioned_before_the_page_spoke() -> (
    None
):
    made = controls(known=Known.PERHAPS)
    made.check([GUEST, OWNER, PHONE], 100)
    made.present([GUEST, OWNER, PHONE, AGENT], 100)
    assert not made.captions("gwen")
    assert made.waits("gwen")
    assert made.captions("phone")  # cannot have refused
    assert made.captions("nora")  # came later
    made.hello("gwen", Hello(True, wish="none"), 101)
    assert made.captions("gwen")
    assert not made.captions("olga")
    assert not made.checked(100 + CHECK_S - 0.1)
    assert made.checked(100 + CHECK_S)
    made.decided = replace(made.decided, known=Known.ALL)
    assert made.captions("olga")


def test_where_decisions_are_lost_nobody_is_captioned_before_the_page_spoke_however_long() -> None:
    made = controls(known=Known.LOST)
    made.check([GUEST], 0)
    made.present([GUEST, OWNER, PHONE], 0)
    assert not made.checked(10_000)
    assert not made.captions("gwen")
    assert not made.captions("nora")
    assert made.captions("phone")
    made.hello("gwen", Hello(True, wish="none"), 1)
    assert made.captions("gwen")
    assert made.keeps("gwen")
