"""A page in Firefox over WebDriver BiDi, with the part of Playwright's Page that our tests use.

Playwright drives only a Firefox of its own, and Debian has no geckodriver; any Firefox speaks BiDi
(https://w3c.github.io/webdriver-bidi/) by itself.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("firefox-esr", "firefox")
START_S = 60
ANSWER_S = 60
MESSAGE_MAX = 64 * 1024 * 1024  # a screenshot

PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}

KEYS = {
    "Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": "\ue00d", "Home": "\ue011",
    "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015",
    "Shift": "\ue008",
}  # fmt: skip

CALL = """async (text) => {
  const value = (%s);
  const given = typeof value === "function" ? await value(JSON.parse(text)) : await value;
  return JSON.stringify(given) ?? "null";
}"""


def find_firefox() -> str | None:
    """Return a Firefox on the PATH."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class BidiError(Exception):
    """Firefox refused a command, or a script threw."""


class FirefoxPage:
    """One tab. `evaluate` takes an expression, or a function and its argument, as Playwright's."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self.errors: list[str] = []
        """The errors in its console."""
        self._command("session.new", {"capabilities": {}})
        self._command("session.subscribe", {"events": ["log.entryAdded"]})
        self._context = self._command("browsingContext.getTree", {})["contexts"][0]["context"]

    def goto(self, url: str) -> None:
        """Open ``url`` and wait for its load event."""
        self._command(
            "browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"}
        )

    def evaluate(self, script: str, argument: object = None) -> Any:
        """Evaluate it in the page, awaiting a promise. Raises BidiError."""
        answer = self._command(
            "script.callFunction",
            {
                "functionDeclaration": CALL % script,
                "arguments": [{"type": "string", "value": json.dumps(argument)}],
                "target": {"context": self._context},
                "awaitPromise": True,
                "userActivation": True,
            },
        )
        if answer["type"] != "success":
            raise BidiError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def until(self, expression: str) -> None:
        """Wait until ``expression`` is true, checking in every frame."""
        self.evaluate(
            f"async () => {{ while (!({expression})) await new Promise(requestAnimationFrame); }}"
        )

    def reload(self) -> None:
        """Reload the page, and wait for its load event."""
        self._command("browsingContext.reload", {"context": self._context, "wait": "complete"})

    def set_viewport_size(self, size: Mapping[str, int]) -> None:
        """In CSS pixels."""
        self._command("browsingContext.setViewport", {"context": self._context, "viewport": size})

    def press(self, *keys: str) -> None:
        """Press keys one after the other, as somebody at the keyboard: "Shift+Tab", "h".

        A headless Firefox has no window in the foreground: neither Space nor Enter presses buttons.
        """
        for key in keys:
            held = [KEYS.get(one, one) for one in (key.split("+") if len(key) > 1 else [key])]
            actions = [{"type": "keyDown", "value": one} for one in held]
            actions += [{"type": "keyUp", "value": one} for one in reversed(held)]
            source = {"type": "key", "id": "keyboard", "actions": actions}
            self._command("input.performActions", {"context": self._context, "actions": [source]})

    def _command(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=ANSWER_S))
            if message.get("method") == "log.entryAdded":
                self._note(message["params"])
            if message.get("id") != number:
                continue
            if message["type"] == "error":
                raise BidiError(f"{method}: {message['error']}: {message['message']}")
            result: dict[str, Any] = message["result"]
            return result

    def _note(self, entry: Mapping[str, Any]) -> None:
        if entry["level"] == "error":
            self.errors.append(str(entry["text"]))


@contextmanager
def open_firefox(program: str) -> Iterator[FirefoxPage]:
    """Run a headless Firefox with a profile of its own."""
    with tempfile.TemporaryDirectory(prefix="firefox-") as profile:
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (Path(profile) / "user.js").write_text("\n".join(lines), encoding="utf-8")
        process = subprocess.Popen(
            [program, "--headless", "--no-remote", "--profile", profile,
             "--remote-debugging-port", "0", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            with connect(
                f"{_address(process)}/session", max_size=MESSAGE_MAX, open_timeout=START_S
            ) as socket:
                yield FirefoxPage(socket)
        finally:
            process.terminate()
            process.wait(timeout=30)
            assert process.stderr is not None
            process.stderr.close()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if "WebDriver BiDi listening on " in line:
            return line.rsplit(" ", 1)[1].strip()
    raise BidiError("Firefox ended before it listened")
