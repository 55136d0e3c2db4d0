"""Measure the cost of captions for a page: ten people at once, five updates a second each.

    python -m benchmarks.overlay [--seconds 20] [--hours 8]

Prints the cost of an update (script, style and layout, as the page itself measures them), the time
from a packet's arrival to its paint, the page's long tasks, the number of nodes in the page after
a meeting of hours with its history open, and how long the page answers nobody when 100,000 packets
come at once, as after it was frozen.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import quantiles
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from eval.runs.browser import FLAGS, on_path
from eval.testing.static_site import serving

OVERLAY = Path(__file__).parents[1] / "captioner" / "overlay"

_TALK = """async ({ seconds, speakers, rate }) => {
  const captions = document.querySelector("live-captions");
  const words = "le budget de la salle of the room and then constitutionnellement on".split(" ");
  const told = Array.from({ length: speakers }, () => ({ cue: 0, rev: 0, text: "", start: 0 }));
  const time = (ms) => new Date(ms).toISOString().slice(11, 23);
  const begun = performance.now();
  let next = 0;
  let seq = 0;
  const say = (n) => {
    const one = told[n];
    const now = Math.round(performance.now() - begun);
    const fresh = { cue: one.cue + 1, rev: 0, text: "", start: now };
    if (one.text.length > 100) Object.assign(one, fresh);
    const settled = one.text.length;
    one.text += (one.text && " ") + words[(seq * 7 + n) % words.length];
    one.rev += 1;
    const id = `s${n}-${one.cue}`;
    const vtt = `${id}\\n${time(one.start)} --> ${time(now)}\\n<v Speaker ${n}>${one.text}`;
    captions.feed({ v: 1, session: "s", seq: ++seq, id, rev: one.rev, state: "open", settled,
      speaker: `s${n}`, track: `TR_${n}`, lang: "fr", heard: now, vtt });
  };
  await new Promise((done) => {
    const timer = setInterval(() => {
      const due = ((performance.now() - begun) / 1000) * speakers * rate;
      for (; next < due; next += 1) say(next % speakers);
      if (performance.now() - begun > seconds * 1000) { clearInterval(timer); done(); }
    }, 1000 / (speakers * rate));
  });
  await captions.rendered();
  return captions.takeMeasures();
}"""

_MEETING = """async (hours) => {
  const captions = document.querySelector("live-captions");
  captions.openHistory();
  const hour = (ms) => String(Math.floor(ms / 3600000)).padStart(2, "0");
  const time = (ms) => `${hour(ms)}${new Date(ms % 3600000).toISOString().slice(13, 23)}`;
  let most = 0;
  for (let n = 0; n * 2 < hours * 3600; n += 1) {
    const id = `m-${n}`;
    const times = `${time(n * 2000)} --> ${time(n * 2000 + 1900)}`;
    const vtt = `${id}\\n${times}\\n<v Speaker ${n % 7}>what was said on a long day, number ${n}`;
    captions.feed({ v: 1, session: "s", seq: n + 1, id, rev: 1, state: "closed", settled: 0,
      speaker: `s${n % 7}`, track: "", lang: "en", heard: n, vtt });
    if (n % 500 === 0) {
      await captions.rendered();
      const roots = [document, captions.shadowRoot];
      most = Math.max(most, roots.reduce((sum, one) => sum + one.querySelectorAll("*").length, 0));
    }
  }
  await captions.rendered();
  return [captions.cues().length, most];
}"""


_SEARCH = """async () => {
  const captions = document.querySelector("live-captions");
  const pause = () => new Promise((done) => setTimeout(done, 700));
  captions.closePanel();
  await pause();
  captions.takeMeasures();
  captions.openHistory();
  await pause();
  const search = captions.shadowRoot.querySelector(".history [type=search]");
  for (const query of ["l", "long", "number 99", "nowhere", ""]) {
    search.value = query;
    search.dispatchEvent(new Event("input"));
    await pause();
  }
  return captions.takeMeasures().long_tasks_ms;
}"""


_BURST = """async ([kind, count]) => {
  const captions = document.querySelector("live-captions");
  const time = (ms) => new Date(ms).toISOString().slice(11, 23);
  const cue = (id, rev, state, n) => ({ v: 1, session: "s", seq: n + 1, id, rev, state, settled: 0,
    speaker: `s${n % 7}`, track: "", lang: "en", heard: n,
    vtt: `${id}\\n${time(n * 200)} --> ${time(n * 200 + 190)}\\n<v Ann>said on the day ${n}` });
  const make = {
    closed: (n) => cue(`m-${n}`, 1, "closed", n),
    open: (n) => cue(`m-${n}`, 1, "open", n),
    revised: (n) => ({ ...cue("m", n + 1, "open", n), settled: 0 }),
    broken: (n) => ({ ...cue("m", "x", "open", n) }),
    "with gaps": (n) => ({ ...cue(`m-${n}`, 1, "closed", n), seq: 2 * n + 1 }),
  }[kind];
  const packets = Array.from({ length: count }, (_, n) => make(n));
  const { port1, port2 } = new MessageChannel();
  let last = performance.now();
  let worst = 0;
  let watching = true;
  port1.onmessage = () => {
    worst = Math.max(worst, performance.now() - last);
    last = performance.now();
    if (watching) setTimeout(() => port2.postMessage(null));
  };
  port2.postMessage(null);
  const begun = performance.now();
  for (const packet of packets) captions.feed(packet);
  await captions.rendered();
  const took = performance.now() - begun;
  await new Promise((done) => setTimeout(done, 1500));
  watching = false;
  return [worst, took];
}"""
_PAGE = b"""<!doctype html><html lang="en"><title>captions</title>
<script type="module" src="live-captions.js"></script>
<live-captions measure></live-captions>"""
_BURSTS = ["closed", "open", "revised", "broken", "with gaps"]


def line(name: str, values: list[float]) -> str:
    """One row of the table: median, p95 and maximum, in ms."""
    cuts = quantiles(values, n=100, method="inclusive")
    return f"{name:<34} {cuts[49]:>8.1f} {cuts[94]:>8.1f} {max(values):>8.1f} {len(values):>8}"


def listed(tasks_ms: list[float]) -> str:
    """The long tasks, as the page reports them."""
    return ", ".join(f"{one:.0f} ms" for one in tasks_ms) or "none"


def spent_s(browser: CDPSession) -> float:
    """Return the processor time that the page took for script, style and layout."""
    parts = {"ScriptDuration", "LayoutDuration", "RecalcStyleDuration"}
    metrics = browser.send("Performance.getMetrics")["metrics"]
    return float(sum(one["value"] for one in metrics if one["name"] in parts))


def report(page: Page, seconds: float, hours: float) -> None:
    """Measure and print."""
    browser = page.context.new_cdp_session(page)
    # The thread's own time, so that other programs on this machine do not count.
    browser.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = spent_s(browser)
    talk: dict[str, Any] = page.evaluate(_TALK, {"seconds": seconds, "speakers": 10, "rate": 5})
    spent_ms = (spent_s(browser) - before) * 1000
    print(f"{'10 people at once, 5 updates/s each':<34} {'p50':>8} {'p95':>8} {'max':>8} {'n':>8}")
    print(line("script, style, layout (ms)", talk["draw_ms"]))
    print(line("received → painted (ms)", talk["painted_ms"]))
    mean_ms = spent_ms / len(talk["painted_ms"])
    print(f"processor time of script, style and layout: {mean_ms:.2f} ms an update (mean)")
    print(f"long tasks over 50 ms: {listed(talk['long_tasks_ms'])}")
    page.reload()
    cues, nodes = page.evaluate(_MEETING, hours)
    print(f"a meeting of {hours:g} h: {cues} captions known, at most {nodes} elements in the page")
    tasks = page.evaluate(_SEARCH)
    print(f"its history opened and searched: long tasks over 50 ms: {listed(tasks)}")
    print(f"{'100,000 packets at once':<34} {'longest task':>12} {'all shown after':>16}")
    for kind in _BURSTS:
        page.reload()
        worst_ms, took_ms = page.evaluate(_BURST, [kind, 100_000])
        print(f"{kind:<34} {worst_ms:>9.0f} ms {took_ms / 1000:>14.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--hours", type=float, default=8)
    options = parser.parse_args()
    with serving(OVERLAY, page=_PAGE) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=on_path(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1100, "height": 800})
        page.goto(address)
        report(page, options.seconds, options.hours)
        browser.close()


if __name__ == "__main__":
    main()
