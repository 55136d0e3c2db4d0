"""The meeting page by keyboard, in a small window, in forced colours and with reduced motion."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from playwright.async_api import Page

from eval.runs.browser import Viewer

pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Opened = Callable[..., AbstractAsyncContextManager[Viewer]]

TOOLS = ["microphone", "toggle", "settings", "history", "room"]
FOCUSED = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(active);
  return [active.id || active.ariaLabel || active.className, outlineStyle, outlineWidth];
}"""
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
CUT = """() => [...document.querySelectorAll("button, p, h1, h2, h3, label")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.id || one.className)"""
SMALL = """() => [...document.querySelectorAll("button, select, input")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.id || one.className, one.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 && !(box.height >= 22) || box.height < 22)
  .map(([name]) => name)"""
# How many of five points in what has the focus are covered by nothing.
IN_SIGHT = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  if (active === document.body) return 5;
  const target = active.closest("label") ?? active;
  const { left, top, width, height } = target.getBoundingClientRect();
  const deepest = (x, y, root = document) => {
    const found = root.elementFromPoint(x, y);
    return found?.shadowRoot ? deepest(x, y, found.shadowRoot) : found;
  };
  const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.2], [0.5, 0.8]];
  return points.filter(([x, y]) =>
    target.contains(deepest(left + width * x, top + height * y))).length;
}"""
# Three people speak, and of a fourth it is said that captions are late.
TALK = """async () => {
  const captions = document.querySelector("live-captions");
  const { session } = captions.captions.facts;
  captions.feed({ v: 1, type: "track", session, seq: 7_000, track: "T", speaker: "anna",
    state: "delayed", lag_ms: 4_000 });
  const text = "et nous continuons sans nous arrêter ".repeat(12);
  for (const [n, name] of ["Léa", "Bob", "Zoé"].entries()) {
    const vtt = `t-${n}\n09:00:00.000 --> 09:00:0${n + 1}.000\n<v ${name}>${text}`;
    captions.feed({ v: 1, session, seq: 8_000 + n, id: `t-${n}`, rev: 1, state: "open",
      settled: 0, speaker: name, track: name, lang: "fr", heard: 32_400_000, vtt });
  }
  await captions.rendered();
}"""


async def focused(page: Page) -> str:
    """The name of what has the focus, which can be seen to have it."""
    name, style, width = await page.evaluate(FOCUSED)
    assert (style, width != "0px") != ("none", False)
    return str(name)


async def test_everything_is_reached_with_the_keyboard_alone(opened: Opened) -> None:
    async with opened() as viewer:
        page = viewer.page
        reached = []
        for _ in range(30):
            await page.keyboard.press("Tab")
            reached.append(await focused(page))
        assert set(TOOLS) <= set(reached)
        assert {"Caption controls", "History", "Caption settings"} & set(reached)

        await page.keyboard.press("r")
        assert await focused(page) == "room-title"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        assert await focused(page) == "room-enabled"
        await page.keyboard.press("Space")
        await viewer.until('captions.service === "off"')
        await page.keyboard.press("Space")
        await viewer.until('captions.service === "on"')
        await page.keyboard.press("Escape")
        assert not await page.is_visible("#panel")

        await page.keyboard.press("c")
        assert await page.evaluate("document.querySelector('live-captions').hidden")
        await page.keyboard.press("c")
        assert not await page.evaluate("document.querySelector('live-captions').hidden")


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize(("width", "height"), [(320, 640), (320, 256), (640, 360)])
async def test_nothing_is_lost_in_a_small_window_or_at_400_percent(
    opened: Opened, width: int, height: int, spaced: bool
) -> None:
    size = {"width": width, "height": height}
    async with opened("lang=fr", viewport=size) as viewer:
        page = viewer.page
        if spaced:
            await page.evaluate(SPACED)
        for tool in TOOLS:
            await page.locator(f"#{tool}").scroll_into_view_if_needed()
            box = await page.locator(f"#{tool}").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.evaluate(SMALL) == []
        await page.evaluate("scrollTo(0, 0)")
        box = await page.locator("live-captions").bounding_box()
        assert box is not None
        assert box["height"] >= 100
        assert box["y"] + box["height"] <= height + 1
        await page.click("#room")
        for field in ("#room-enabled", "#room-transcript"):
            await page.locator(field).scroll_into_view_if_needed()
            assert await page.locator(field).is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        if not spaced:
            await page.evaluate("document.fonts.ready")
            await viewer.until(f"({CUT})().length === 0")  # once it is drawn in these fonts


@pytest.mark.parametrize(("width", "height"), [(320, 256), (640, 360)])
async def test_at_400_percent_nothing_covers_what_has_the_focus(
    opened: Opened, width: int, height: int
) -> None:
    size = {"width": width, "height": height}
    async with opened("lang=fr", viewport=size) as viewer:
        page = viewer.page
        for key in ("", "r", "s", "y", "?"):
            await page.evaluate("document.activeElement.blur()")
            if key:
                await page.keyboard.press(key)
            names = []
            for _ in range(14):
                await page.keyboard.press("Tab")
                await viewer.until(f"({IN_SIGHT})() >= 4")  # the panel may still be filling
                names.append((await page.evaluate(FOCUSED))[0])
            assert len(set(names)) > (0 if key == "?" else 5)
            if key:
                await page.keyboard.press("Escape")


async def test_a_field_that_appears_late_pushes_nothing_that_has_the_focus_out_of_sight(
    opened: Opened,
) -> None:
    show = "document.querySelector('.vocabulary').hidden = %s"
    async with opened(viewport={"width": 640, "height": 360}) as viewer:
        page = viewer.page
        await page.keyboard.press("r")
        await page.locator(".vocabulary").wait_for()
        await page.evaluate(show % "true")
        await page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
        await page.locator("#panel .radio").first.focus()
        assert await page.evaluate(IN_SIGHT) == 5
        await page.evaluate(show % "false")
        await page.locator(".vocabulary").wait_for()
        await viewer.until(f"({IN_SIGHT})() === 5")


async def test_in_forced_colours_what_is_on_and_who_speaks_still_differs(opened: Opened) -> None:
    async with opened(forced_colors="active") as viewer:
        border = "getComputedStyle(document.getElementById('%s')).borderTopColor"
        on, off = [await viewer.page.evaluate(border % name) for name in ("toggle", "history")]
        assert on != off


async def test_with_reduced_motion_nothing_moves(opened: Opened) -> None:
    async with opened(reduced_motion="reduce") as viewer:
        moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
        await viewer.page.click("#room")
        assert await viewer.page.evaluate(moving) == 0


async def test_at_rest_the_controls_go_and_come_back_with_the_first_key(opened: Opened) -> None:
    async with opened(reduced_motion="reduce") as viewer:
        page = viewer.page
        await page.click("#notice .primary")
        await page.mouse.move(600, 300)
        await page.evaluate("document.activeElement.blur()")
        shown = "getComputedStyle(document.getElementById('toolbar')).opacity"
        await viewer.until(f"{shown} === '0'")
        await page.keyboard.press("Tab")
        await viewer.until(f"{shown} === '1'")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (320, 640), (320, 256)])
async def test_what_is_wrong_is_not_covered_by_captions(
    opened: Opened, width: int, height: int
) -> None:
    size = {"width": width, "height": height}
    async with opened("lang=fr", viewport=size) as viewer:
        page = viewer.page
        await page.evaluate(TALK)
        await page.locator("live-captions .note").wait_for()
        await page.route("**/api/join*", lambda route: route.fulfill(status=403))
        await page.evaluate("document.querySelector('live-captions').room.disconnect()")
        await page.locator("#trouble-what", has_text="ne pouvez plus entrer").wait_for()
        assert (await viewer.shown())[0]["text"] != ""
        assert await page.locator("live-captions .note").count() == 0
        await page.focus("#retry")
        assert await page.evaluate(IN_SIGHT) == 5


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 640)])
async def test_on_a_phone_settings_and_history_leave_the_captions_in_sight(
    opened: Opened, width: int, height: int
) -> None:
    async with opened("lang=fr", viewport={"width": width, "height": height}) as viewer:
        page = viewer.page
        await page.evaluate(TALK)
        for key, panel in (("s", "settings"), ("y", "history")):
            await page.keyboard.press(key)
            await viewer.until(f"captions.panel === '{panel}'")
            rows = [row["text"] for row in await viewer.shown()]
            assert rows[-1].endswith("arrêter")
            view = await page.locator("live-captions .view").bounding_box()
            below = await page.locator(f"live-captions .{panel}").bounding_box()
            assert view is not None
            assert below is not None
            assert view["y"] + view["height"] <= below["y"] + 1
            assert below["y"] + below["height"] <= height + 1
