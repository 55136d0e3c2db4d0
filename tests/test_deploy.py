"""What is shipped for monitoring names metrics that exist and symptoms that are explained."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

from captioner import metrics
from streaming import supervised_stream
from streaming.kyutai_server import metrics as server_metrics

ROOT = Path(__file__).parent.parent
MONITORING = ROOT / "deploy" / "monitoring"
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
