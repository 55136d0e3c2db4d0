"""The judgement of licences and of known vulnerabilities."""

from __future__ import annotations

import pytest

from tests.supply import allowed, audit, licences


@pytest.mark.parametrize(
    "expression",
    [
        "MIT",
        "Apache-2.0 OR GPL-3.0-only",
        "(MPL-2.0 AND MIT)",
        "License :: OSI Approved :: BSD License",
    ],
)
def test_a_licence_that_can_be_met_is_allowed(expression: str) -> None:
    assert allowed(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "GPL-3.0-only",
        "MIT AND AGPL-3.0-only",
        "License :: Other/Proprietary License",
        "see LICENSE",
    ],
)
def test_a_licence_that_cannot_be_met_is_not(expression: str) -> None:
    assert not allowed(expression)


def test_a_component_is_refused_for_one_of_its_licences_or_for_none() -> None:
    mit = {"name": "a", "version": "1", "licenses": [{"license": {"id": "MIT"}}]}
    both = {"name": "b", "licenses": [*mit["licenses"], {"expression": "GPL-3.0-only"}]}
    silent = {"name": "c", "version": "2"}
    looked_at = {"name": "soxr", "version": "1"}

    lines, refused = licences([{"components": [mit, both]}, {"components": [silent, looked_at]}])

    assert [line[0] for line in lines] == ["a", "b", "c", "s"]
    assert [line[0] for line in refused] == ["b", "c"]


KNOWN = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}


def test_nothing_is_said_to_be_safe_that_was_not_looked_up() -> None:
    unlisted = {"name": "c", "skip_reason": "Dependency not found"}
    asked = {"vulnerabilities": {}}

    assert audit([{"dependencies": [KNOWN]}], asked) == ([], [])
    assert audit([{"dependencies": [KNOWN]}, {"dependencies": [BAD]}], asked)[0] == [
        "b 2: PYSEC-1, mended in 3"
    ]
    assert len(audit([{"dependencies": [KNOWN, unlisted]}], asked)[1]) == 1
    assert len(audit([{}], {"message": "405 Method Not Allowed"})[1]) == 2
