"""The npm package in pages of React, Vue and no framework, each built by its own bundler.

The element is imported before the page is drawn (eager), or after (lazy): then what the page has
set on it waits for its definition. Needs its packages in this folder: `make test-frameworks`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from eval.testing.caption_element import Captions
from eval.testing.static_site import run, serving

pytestmark = [pytest.mark.browser, pytest.mark.frameworks]

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "web-overlay"
MODULES = HERE / "node_modules"
PACKAGE = MODULES / "live-captions-overlay"
POLICY = "default-src 'none'; script-src 'self'; font-src 'self'; style-src 'self'"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>theirs</title>
<div id="app"></div><script {kind} src="{way}.js"></script>"""
BUILDS = {
    "react": ["webpack", "--config", "react/webpack.config.js", "--output-path"],
    "vue": ["vite", "build", "vue", "--logLevel", "warn", "--outDir"],
    "plain": [
        "esbuild", "plain/eager.ts", "plain/lazy.ts", "--bundle", "--splitting", "--format=esm",
        "--minify", "--log-level=warning", "--outdir",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it would be published, installed beside the frameworks."""
    if not MODULES.exists():
        pytest.fail("the frameworks are not installed: run `make test-frameworks`")
    packed = tmp_path_factory.mktemp("packed")
    run("npm", "pack", "--pack-destination", packed, cwd=WEB)
    (tarball,) = packed.iterdir()
    shutil.unpack_archive(tarball, packed / "unpacked", "gztar", filter="data")
    shutil.rmtree(PACKAGE, ignore_errors=True)
    shutil.copytree(packed / "unpacked" / "package", PACKAGE)
    return PACKAGE


@pytest.fixture(scope="module", params=list(BUILDS))
def address(
    request: pytest.FixtureRequest, package: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where the pages of a framework are, ``eager.html`` and ``lazy.html``."""
    name: str = request.param
    built = tmp_path_factory.mktemp(name)
    *command, out = BUILDS[name]
    joint = "=" if out == "--outdir" else None
    where = [f"{out}={built}"] if joint else [out, str(built)]
    run(MODULES / ".bin" / command[0], *command[1:], *where, cwd=HERE)
    shutil.copytree(package / "dist" / "fonts", built / "fonts")
    for way in ("eager", "lazy"):
        kind = "defer" if name == "react" else 'type="module"'
        (built / f"{way}.html").write_text(PAGE.format(kind=kind, way=way))
    with serving(built, policy=POLICY) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose test fails when anything in it does."""
    page = browser.new_page(viewport={"width": 900, "height": 600})
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda line: broken.append(line.text) if line.type == "error" else None)
    yield page
    page.close()
    assert [line for line in broken if "favicon" not in line] == []


@pytest.mark.parametrize("way", ["eager", "lazy"])
def test_the_element_works_in_a_page_of_this_framework(page: Page, address: str, way: str) -> None:
    page.goto(f"{address}{way}.html")
    captions = Captions(page)
    page.evaluate("customElements.whenDefined('live-captions').then(() => true)")
    for _visit in range(2):
        page.locator("live-captions").wait_for(state="attached")
        captions.until("captions.room === window.room")
        assert captions("settings") == {"size": 150}
        captions.say("a-1", "shit happens", language="en")
        assert captions.rows() == [("Alice", "shit happens")]
        captions("openSettings()")
        page.locator("output", has_text="settings").wait_for()
        captions.set(size=150, font="atkinson", maskProfanity=True)
        captions.until("captions.shownText()[0].text === 's*** happens'")
        captions.until("document.fonts.check('16px \"Atkinson Hyperlegible\"')")
        captions("closePanel()")
        captions.set(size=150)
        page.get_by_role("button", name="Leave").click()
        page.locator("live-captions").wait_for(state="detached")
        page.get_by_role("button", name="Come back").click()


def test_their_types_hold(package: Path) -> None:
    run(MODULES / ".bin" / "tsc", "--noEmit", cwd=HERE)


def test_it_could_be_published_as_it_is() -> None:
    said = run("npm", "publish", "--dry-run", cwd=WEB).splitlines()
    warned = [line for line in said if "npm warn" in line.lower() and "logged in" not in line]
    assert warned == []
    assert {"LICENSE", "NOTICE"} <= {line.split()[-1] for line in said if line.strip()}
