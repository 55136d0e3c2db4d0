import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioner.contract_requests import (
    REQUEST_MAX,
    SENTENCE_MAX,
    After,
    Change,
    Consent,
    Hello,
    Older,
    Speaks,
    decode_consent,
    decode_hello,
    decode_history,
    decode_language,
    decode_set,
    sentence,
)
from captioner.errors import InvalidRequest, RequestCode
from tests.fuzz.bot_packets import read

PACKETS = sorted((Path(__file__).parent.parent / "fuzz" / "bot").iterdir())
DECODERS: list[Callable[[str], object]] = [
    decode_hello, decode_history, decode_set, decode_consent, decode_language,
]  # fmt: skip


def test_each_request_is_read() -> None:
    hello = '{"v":1,"want":true,"lang":"fr","session":"s","after_seq":3,"extra":0}'
    assert decode_hello(hello) == Hello(True, "s", 3)
    assert decode_hello('{"want":false}') == Hello(False)
    assert decode_history('{"v":1,"session":"s","after_seq":3}') == After("s", 3)
    assert decode_history('{"session":"s","cursor":"30"}') == After("s", 30)
    assert decode_history('{"session":"s","older":"30"}') == Older("s", 30)
    assert decode_set('{"v":1,"enabled":false}') == Change(enabled=False)
    assert decode_set('{"language":"fr-CA","engine":"kyutai","transcript":true}') == Change(
        None, "fr-CA", "kyutai", True
    )
    assert decode_set('{"language":"auto:fr,en"}') == Change(language="auto:fr,en")
    assert decode_consent('{"captioned":true,"kept":false}') == Consent(True, False)
    assert decode_language('{"language":"auto"}') == Speaks("auto")
    assert decode_language('{"language":"","speaker":"bob"}') == Speaks("", "bob")


@pytest.mark.parametrize(
    ("decode", "payload"),
    [
        *((decode, bad) for decode in DECODERS for bad in ("", "nonsense", "[]", "1", "[" * 4000)),
        (decode_hello, "{}"),
        (decode_hello, '{"want":1}'),
        (decode_hello, '{"want":true,"after_seq":-1}'),
        (decode_hello, '{"want":true,"after_seq":"x"}'),
        (decode_hello, '{"want":true,"session":5}'),
        (decode_history, '{"after_seq":3}'),
        (decode_history, '{"session":"s","cursor":"-1"}'),
        (decode_history, '{"session":"s","older":5}'),
        (decode_set, '{"enabled":"yes"}'),
        (decode_set, '{"language":5}'),
        (decode_set, '{"language":"<script>"}'),
        (decode_set, '{"language":""}'),
        (decode_set, '{"engine":""}'),
        (decode_language, "{}"),
        (decode_language, '{"language":"auto:"}'),
        (decode_language, '{"language":"fr","speaker":""}'),
        (decode_consent, '{"captioned":true}'),
        (decode_consent, '{"captioned":0,"kept":0}'),
    ],
)
def test_a_bad_request_is_refused_with_a_sentence(
    decode: Callable[[str], object], payload: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode(payload)
    assert refused.value.code is RequestCode.BAD_REQUEST
    assert str(refused.value)


@pytest.mark.parametrize("decode", DECODERS)
def test_another_version_and_a_request_that_is_too_long_have_codes_of_their_own(
    decode: Callable[[str], object],
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode('{"v":2,"want":true}')
    assert refused.value.code is RequestCode.UNKNOWN_VERSION
    with pytest.raises(InvalidRequest) as refused:
        decode(json.dumps({"want": True, "lang": "é" * REQUEST_MAX}, ensure_ascii=False))
    assert refused.value.code is RequestCode.TOO_LARGE


@pytest.mark.parametrize("file", PACKETS, ids=lambda file: file.stem)
def test_what_a_bot_can_be_sent_breaks_no_reader(file: Path) -> None:
    read(file.read_bytes())


@given(st.binary(max_size=400))
def test_no_request_whatever_breaks_the_bot(payload: bytes) -> None:
    read(payload)


@given(st.text(max_size=400))
def test_a_sentence_fits_and_is_whole_characters(text: str) -> None:
    said = sentence(text)
    assert len(said.encode()) <= SENTENCE_MAX
    assert text.startswith(said)
