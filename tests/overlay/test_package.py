"""The npm package, as somebody uses it who has a Vite page and nothing else of ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from eval.testing.static_site import run, serving

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "web-overlay"
TOOLS = WEB / "node_modules" / ".bin"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>theirs</title>
<script type="module" src="/main.ts"></script>
<live-captions id="captions" fonts="/fonts/"></live-captions>"""
MAIN = """
import { LiveCaptionsElement, type KnownCue } from "live-captions-overlay";
const captions = document.querySelector("live-captions");
if (!(captions instanceof LiveCaptionsElement)) throw new Error("no element");
captions.feed({
  v: 1, session: "s", seq: 1, id: "a-1", rev: 1, state: "open", settled: 5, speaker: "alice",
  track: "TR_a", lang: "en", heard: 1000,
  vtt: "a-1\\n00:00:00.000 --> 00:00:01.000\\n<v Alice>Hello from a package",
});
const known: KnownCue[] = captions.cues();
captions.settings = { font: "atkinson" };
document.title = known.map((cue) => cue.text).join();
"""
TSCONFIG = """{"compilerOptions": {"strict": true, "noEmit": true, "target": "ES2022",
"lib": ["ES2022", "DOM", "DOM.Iterable"], "types": [], "skipLibCheck": true},
"include": ["main.ts", "wrong.ts"]}"""
# What would be any, if the types were not found, is none of these errors.
WRONG = """
import { LiveCaptionsElement, type CaptionFacts, type Choices } from "live-captions-overlay";
const captions = document.createElement("live-captions");
// @ts-expect-error A size is a number.
const choices: Choices = { size: "large" };
// @ts-expect-error There is no such mode.
captions.mode = "below";
// @ts-expect-error A cue's start is a number.
const start: string | undefined = captions.cues()[0]?.start_ms;
// @ts-expect-error What the service tells may be missing.
const facts: CaptionFacts = captions.captions.facts;
// @ts-expect-error A language is text.
void captions.captions.speak(7);
export { captions, choices, facts, start, LiveCaptionsElement };
"""
RESOLUTIONS = [("ESNext", "Bundler"), ("NodeNext", "NodeNext")]
POLICY = "default-src 'none'; script-src 'self'; font-src 'self'"
FONT = "document.fonts.check('16px \"Atkinson Hyperlegible\"')"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Vite page into which the package was installed, without a network."""
    packed, project = tmp_path_factory.mktemp("packed"), tmp_path_factory.mktemp("page")
    run("npm", "pack", "--pack-destination", packed, cwd=WEB)
    (project / "package.json").write_text('{"name": "theirs", "private": true, "type": "module"}')
    (project / "index.html").write_text(PAGE)
    (project / "main.ts").write_text(MAIN)
    (project / "wrong.ts").write_text(WRONG)
    (project / "tsconfig.json").write_text(TSCONFIG)
    (tarball,) = packed.iterdir()
    run("npm", "install", "--offline", "--no-audit", "--no-fund", tarball, cwd=project)
    shutil.copytree(
        project / "node_modules" / "live-captions-overlay" / "dist" / "fonts",
        project / "public" / "fonts",
    )
    return project


@pytest.fixture(scope="module")
def address(project: Path) -> Iterator[str]:
    run(TOOLS / "vite", "build", "--logLevel", "warn", cwd=project)
    with serving(project / "dist", policy=POLICY) as address:
        yield address


def test_the_package_brings_nothing_else_with_it(project: Path) -> None:
    installed = {path.name for path in (project / "node_modules").iterdir() if path.is_dir()}
    assert installed == {"live-captions-overlay"}


def test_a_server_may_import_it_without_a_browser(project: Path) -> None:
    said = run(
        "node",
        "--input-type=module",
        "--eval=console.log(typeof (await import('live-captions-overlay')).LiveCaptionsElement)",
        cwd=project,
    )
    assert said.strip() == "function"


@pytest.mark.parametrize(("module", "resolution"), RESOLUTIONS)
def test_its_types_hold_in_a_strict_project(project: Path, module: str, resolution: str) -> None:
    run(TOOLS / "tsc", "--module", module, "--moduleResolution", resolution, cwd=project)


def test_it_says_what_it_contains_and_under_which_licences(project: Path) -> None:
    package = project / "node_modules" / "live-captions-overlay"
    assert "Apache License" in (package / "LICENSE").read_text()
    notice = (package / "NOTICE").read_text()
    for part in ("naughty-words", "Atkinson Hyperlegible", "OpenDyslexic"):
        assert part in notice


def test_it_shows_captions_in_an_empty_page_under_a_strict_policy(
    browser: Browser, address: str
) -> None:
    page = browser.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda line: broken.append(line.text) if line.type == "error" else None)
    with page.expect_response("**/fonts/atkinson-hyperlegible.woff2") as font:
        page.goto(address)
    assert font.value.ok
    page.wait_for_function(FONT)
    assert page.title() == "Hello from a package"
    shown = page.evaluate("document.querySelector('live-captions').shownText()")
    assert [row["text"] for row in shown] == ["Hello from a package"]
    assert [line for line in broken if "favicon" not in line] == []
    page.close()
