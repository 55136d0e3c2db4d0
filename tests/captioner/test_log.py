from __future__ import annotations

import contextvars
import json

import pytest
import structlog

from captioner import log

ROOM = "conseil-des-ministres"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_every_line_says_which_room_and_job_and_none_says_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> None:
        log.configure(form="json")
        log.bind(ROOM, key="secret", job="AD_1")
        structlog.get_logger().info("joined")

    try:
        contextvars.copy_context().run(work)
    finally:
        structlog.reset_defaults()
    (line,) = lines(capsys)
    assert (line["room"], line["job"]) == (log.hashed(ROOM, "secret"), "AD_1")
    assert ROOM not in json.dumps(line)


def test_machines_with_one_secret_call_a_room_the_same_and_others_cannot_guess_it() -> None:
    assert log.hashed(ROOM, "secret") == log.hashed(ROOM, "secret")
    assert log.hashed(ROOM, "secret") != log.hashed("another", "secret")
    assert log.hashed(ROOM, "secret") != log.hashed(ROOM, "guess")
    assert len(log.hashed(ROOM, "secret")) == 12
