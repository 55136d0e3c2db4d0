from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from captioner.api.actions import state_of
from captioner.api.openapi import document
from captioner.api.routes import (
    BODY_MAX,
    ROUTES,
    Download,
    Refusal,
    Set,
    Speaks,
    Start,
    action_of,
    problem,
    refusal_of,
)
from captioner.contract_requests import Change
from captioner.errors import InvalidRequest, RequestCode
from captioner.worker.facts import Bot, Dispatch, Facts

DOCS = Path(__file__).parents[3] / "docs"


def asked(method: str, end: str, body: object = None, **names: str) -> Any:
    [route] = [r for r in ROUTES if r.method == method and r.path.endswith(end)]
    data = b"" if body is None else json.dumps(body).encode()
    return action_of(route, {"room": "budget", **names}, data)


def test_a_request_becomes_what_is_to_be_done() -> None:
    assert asked("PUT", "/captions") == Start("budget")
    assert asked("PUT", "/captions", {"recording": "r"}) == Start("budget", "r")
    assert asked("PATCH", "/captions", {"enabled": False}) == Set("budget", Change(enabled=False))
    assert asked("PUT", "/language", {"language": ""}, identity="anna") == Speaks(
        "budget", "anna", ""
    )
    assert asked("GET", "{file}", file="m.vtt") == Download("budget", "m.vtt")


@pytest.mark.parametrize(
    ("method", "end", "body", "names"),
    [
        ("PATCH", "/captions", {"enabled": "yes"}, {}),
        ("PATCH", "/captions", {"language": "no tag"}, {}),
        ("PATCH", "/captions", None, {}),
        ("PUT", "/captions", [], {}),
        ("PUT", "/captions", {"recording": "r" * 201}, {}),
        ("PUT", "/language", {"language": "!"}, {"identity": "anna"}),
        ("PUT", "/language", {}, {"identity": "anna"}),
        ("PUT", "/language", {"language": "fr"}, {"identity": ""}),
        ("GET", "/captions", None, {"room": "r" * 513}),
        ("GET", "{file}", None, {"file": "f" * 256}),
        ("GET", "{file}", None, {"file": "m\0.vtt"}),
        ("GET", "/captions", None, {"room": "r\0"}),
        ("PATCH", "/captions", {"v": 2}, {}),
        ("PATCH", "/captions", {"enable": False}, {}),
        ("PATCH", "/captions", {"x" * 5_000: False}, {}),
        ("PUT", "/captions", {"Recording": "r"}, {}),
        ("PUT", "/language", {"language": "fr", "speaker": "bea"}, {"identity": "anna"}),
    ],
)
def test_what_is_not_understood_is_said(
    method: str, end: str, body: object, names: dict[str, str]
) -> None:
    with pytest.raises(Refusal) as refused:
        asked(method, end, body, **names)
    assert refused.value.status == 400
    assert str(refused.value)


def test_a_mistyped_field_is_named_with_those_that_there_are() -> None:
    with pytest.raises(Refusal, match=r'"enable".*enabled, language, engine'):
        asked("PATCH", "/captions", {"enable": False})


def test_a_long_body_is_refused_before_it_is_read() -> None:
    with pytest.raises(Refusal) as refused:
        asked("PATCH", "/captions", {"language": "x" * BODY_MAX})
    assert refused.value.status == 413


@pytest.mark.parametrize("code", list(RequestCode))
def test_every_refusal_of_the_bot_has_a_status_and_a_title(code: RequestCode) -> None:
    refusal = refusal_of(InvalidRequest("a sentence", code=code))
    assert problem(refusal)["detail"] == "a sentence"
    assert 400 <= refusal.status < 600


def test_the_document_has_every_route_and_every_reference_leads_somewhere() -> None:
    made = document()
    for route in ROUTES:
        operation = made["paths"][route.path][route.method.lower()]
        assert {p["name"] for p in operation["parameters"]} == set(
            re.findall(r"{(\w+)}", route.path)
        )
        assert {"401", "403", "429", str(route.status)} <= set(operation["responses"])
        assert ({"408", "413"} <= set(operation["responses"])) is bool(route.body)
        assert ("502" in operation["responses"]) is route.asks
    operations = [one["operationId"] for path in made["paths"].values() for one in path.values()]
    assert len(operations) == len(set(operations)) == len(ROUTES)
    for reference in _references(made):
        assert reference.rpartition("/")[2] in made["components"]["schemas"]


def test_the_document_in_docs_is_the_one_that_is_served() -> None:
    assert json.loads((DOCS / "openapi.json").read_text()) == document(), "run: make docs"


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        yield from _references(inner)


BOT = Bot("captions-a-b", True, {"captions.state": "on", "captions.engines": "embedded,kyutai"})
DISPATCH = Dispatch("AD", "agent", 100_000)
GIVEN = Dispatch("AD", "agent", 100_000, given_ms=100_500)


@pytest.mark.parametrize(
    ("facts", "dispatch", "utc_ms", "state"),
    [
        (Facts("r", 2), None, 100_000, "none"),
        (Facts("r", 0), DISPATCH, 100_000, "empty"),
        (Facts("r", 2), DISPATCH, 101_000, "starting"),
        (Facts("r", 2), DISPATCH, 105_000, "waiting"),
        (Facts("r", 2), GIVEN, 105_000, "starting"),
        (Facts("r", 2), GIVEN, 150_000, "waiting"),
        (Facts("r", 2, [BOT]), DISPATCH, 150_000, "on"),
        (Facts("r", 2, [BOT]), None, 150_000, "on"),
    ],
)
def test_the_state_of_a_room_is_what_its_pages_see(
    facts: Facts, dispatch: Dispatch | None, utc_ms: int, state: str
) -> None:
    found = state_of(facts, dispatch, utc_ms)
    assert found.state == state
    assert found.dispatched is (dispatch is not None)
    assert found.engines == (("embedded", "kyutai") if facts.bots else ())
