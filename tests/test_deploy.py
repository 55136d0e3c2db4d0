"""What is in deploy/ names metrics, settings, commands and options that exist.

`make deploy-check` holds it against the tools that read it.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from prometheus_client import REGISTRY

from captioner import metrics
from captioner.commands.main import main
from captioner.demo.livekit_server import VERSION as LIVEKIT
from streaming import supervised_stream
from streaming.kyutai_server import cli
from streaming.kyutai_server import metrics as server_metrics

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
MONITORING = DEPLOY / "monitoring"
CHART = DEPLOY / "helm" / "live-captions"
CONTAINERFILE = DEPLOY / "Containerfile"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = (metrics, supervised_stream, server_metrics)
FOREIGN = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}
"""What Prometheus and its client libraries tell of every process."""

_NAME = re.compile(r"\b((?:captioner|asr|process)_\w+|up\b)(?![\w(=])")


def known() -> set[str]:
    """The names of all samples that our processes can give."""
    assert all(MODULES)
    names: set[str] = set()
    for family in REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        names |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    return names | FOREIGN


def expressions_of(dashboard: dict[str, Any]) -> list[str]:
    return [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", ())]


def rules() -> list[tuple[str, str]]:
    """(name, expression) of each alert."""
    text = (MONITORING / "alerts.yml").read_text(encoding="utf-8")
    found = re.findall(r"- alert: (\w+)\n\s+expr: (?:>-\n)?((?:.|\n)*?)\n\s+(?:for|labels):", text)
    assert len(found) == text.count("- alert: ")
    return found


def test_every_metric_of_the_dashboard_and_of_the_alerts_exists() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    shown = expressions_of(dashboard)
    assert len(shown) > 20
    used = {name for one in [*shown, *(rule for _, rule in rules())] for name in _NAME.findall(one)}
    assert len(used) > 15
    assert used - known() == set()


def test_every_alert_is_tested_and_explained() -> None:
    tests = (MONITORING / "alerts_test.yml").read_text(encoding="utf-8")
    explained = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    for name, _ in rules():
        assert f'alertname="{name}"' in tests
        assert f"`{name}`" in explained


def test_no_panel_lies_on_another() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def written() -> list[Path]:
    """What names our settings and options."""
    templates = [*(CHART / "templates").glob("*.yaml"), *(CHART / "ci").glob("*.yaml")]
    units = (DEPLOY / "systemd").glob("*.service")
    return [CONTAINERFILE, COMPOSE, *templates, *units]


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"\b(?:CAPTIONER|LIVEKIT|ASR)_[A-Z0-9_]+\b", text):
        assert f"`{name}`" in documented or name == "LIVEKIT_CONFIG", name


@pytest.mark.parametrize(
    ("path", "command"),
    [
        (COMPOSE, main.commands["worker"]),
        (COMPOSE, main.commands["page"]),
        (COMPOSE, main.commands["api"]),
        (COMPOSE, cli.main),
        (CHART / "templates" / "worker.yaml", main.commands["worker"]),
        (CHART / "templates" / "api.yaml", main.commands["api"]),
        (CHART / "templates" / "asr-server.yaml", cli.main),
        (DEPLOY / "systemd" / "captioner-worker.service", main.commands["worker"]),
        (DEPLOY / "systemd" / "asr-server.service", cli.main),
    ],
    ids=lambda one: one.name if isinstance(one, click.Command) else one.parent.name,
)
def test_every_option_that_is_given_exists(path: Path, command: click.Command) -> None:
    known = {option for parameter in command.params for option in parameter.opts}
    lines = path.read_text(encoding="utf-8").splitlines()
    name = command.name or ""
    if path == COMPOSE:  # several commands in one file
        first = '["--host"' if command is cli.main else f'["{name}"'
        lines = [line for line in lines if f"command: {first}" in line]
    elif path.suffix == ".service":
        lines = [line for line in lines if line.startswith("ExecStart=")]
    given = {option for line in lines for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)}
    assert given
    assert given - known == set()


def test_each_image_starts_a_program_that_it_has() -> None:
    started = re.findall(
        r'^ENTRYPOINT \["([\w-]+)"', CONTAINERFILE.read_text(encoding="utf-8"), re.M
    )
    assert set(started) == {"captioner", "asr-server", "nginx"}
    assert {"captioner", "asr-server"} <= set(PROJECT["scripts"])


def test_every_image_has_a_tag_and_a_user_without_rights() -> None:
    text = CONTAINERFILE.read_text(encoding="utf-8")
    stages = {name for _, name in re.findall(r"^FROM (\S+) AS (\S+)$", text, re.M)}
    bases = set(re.findall(r"^FROM (\S+)", text, re.M)) - stages
    compose = COMPOSE.read_text(encoding="utf-8")
    for image in (*bases, *re.findall(r"^    image: (\S+)", compose, re.M)):
        assert re.search(r":v?\d", image), image
    assert text.count("\nUSER 65532:65532\n") == text.count("\nENTRYPOINT ")


def test_versions_are_those_of_the_project_and_of_the_media_server_that_the_tests_use() -> None:
    compose = COMPOSE.read_text(encoding="utf-8")
    assert f"livekit/livekit-server:v{LIVEKIT}" in compose
    assert set(re.findall(r"image: live-captions/[\w-]+:(\S+)", compose)) == {PROJECT["version"]}
    chart = (CHART / "Chart.yaml").read_text(encoding="utf-8")
    assert f"appVersion: {PROJECT['version']}" in chart


def test_the_chart_carries_the_rules_and_the_dashboard_that_are_tested() -> None:
    for name in ("alerts.yml", "dashboard.json"):
        assert not (CHART / "files" / name).is_symlink(), "not every checkout keeps links"
        assert (CHART / "files" / name).read_bytes() == (MONITORING / name).read_bytes()


def test_a_unit_signals_the_parent_alone_and_waits_for_meetings() -> None:
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text(encoding="utf-8")
        assert "\nKillMode=mixed\n" in text
        drain = re.search(r"--drain(?:-seconds)? (\d+)", text)
        wait = re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)
        assert drain
        assert wait
        assert int(wait[1]) > int(drain[1])
