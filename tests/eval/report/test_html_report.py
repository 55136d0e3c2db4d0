"""The commands and the page, as somebody uses them."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from playwright.async_api import Page, async_playwright

from eval.commands.main import main
from eval.corpus.spoken_words import RefWord, Turn
from eval.measures.catalogue import MEASURES
from eval.normalization.normalize import LANGUAGES
from eval.observation import Observation, Run, Shown, write_all, write_run
from eval.report.wording import TONGUES, Tongue, wording

HARD = '<script>alert("1")</script> & </style>'


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def clips(sound: Path | None = None, *, wrong: int = 4) -> list[Observation]:
    found = []
    for n in range(12):
        said = ["It", "was", "not", "the", "best", "of", "times"]
        words = tuple(RefWord(word, 300 * k, 300 * k + 300) for k, word in enumerate(said))
        text = " ".join("now" if word == "not" and n < wrong else word for word in said)
        shown = (
            Shown(1200, "c", text[:10], lines=(text[:10],), received_ms=1190, painted_ms=1200),
            Shown(2500, "c", text, state="closed", start_ms=0, end_ms=2400),
        )
        found.append(
            Observation(
                f"{HARD} {n}", "en", 3.0, (Turn(" ".join(said), words=words),), shown, "browser",
                path=str(sound or ""), columns={"sex": "fm"[n % 2], "speaker": f"s{n % 3}"},
                word_times="given", until_ms=4000,
            )
        )  # fmt: skip
    return found


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """A run's folder, with sound."""
    sound = tmp_path / "a.wav"
    soundfile.write(sound, np.random.default_rng(1).normal(0, 0.1, 24_000 * 3), 24_000)
    folder = tmp_path / "run"
    write_all(folder, Run(HARD, left_out=(HARD,)), clips(sound))
    return folder


@pytest.fixture
async def page(measured: Path, chromium_path: str) -> AsyncIterator[Page]:
    assert run("report", measured).exit_code == 0
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 320, "height": 640})
        page.complaints = []  # type: ignore[attr-defined]
        page.on("console", lambda message: page.complaints.append(message.text))  # type: ignore[attr-defined]
        page.on("request", lambda request: page.complaints.append(request.url))  # type: ignore[attr-defined]
        await page.goto((measured / "report.html").as_uri())
        yield page
        await browser.close()


def test_a_run_becomes_a_report_with_its_files(measured: Path) -> None:
    done = run("report", measured)
    assert done.exit_code == 0
    assert "Half of the shown words are on the screen within" in done.stdout
    results = json.loads((measured / "results.json").read_text(encoding="utf-8"))
    assert results["figures"]["wer"]["value"] == pytest.approx(4 / 84)
    assert {group["value"] for group in results["groups"]} == {"f", "m", "s0", "s1", "s2"}
    assert len((measured / "clips.csv").read_text(encoding="utf-8").splitlines()) == 13


def test_delays_of_a_busy_machine_are_called_doubtful_on_the_first_page(measured: Path) -> None:
    run("report", measured)
    page = measured / "report.html"
    assert "delays are doubtful" not in page.read_text("utf-8")
    write_run(measured, Run(load={"others": 0.4, "average_at_start": 3, "average_at_end": 5}))
    run("report", measured)
    assert "The delays are doubtful: other programs took 40" in page.read_text("utf-8")


def test_the_report_speaks_french(measured: Path) -> None:
    done = run("report", measured, "--report-language", "fr")
    assert "La moitié des mots affichés est à l'écran" in done.stdout
    html = (measured / "report.html").read_text(encoding="utf-8")
    assert '<html lang="fr">' in html
    assert "Les dix pires passages" in html
    assert "4,8\u00a0%" in html


def test_a_gate_that_is_shut_is_exit_1_with_the_reason(measured: Path) -> None:
    done = run("report", measured, "--fail-if", "wer>0.04", "--fail-if", "first_show_p95>9")
    assert done.exit_code == 1
    assert "failed: wer>0.04: wer is 0.04762 (95 % interval" in done.stderr
    assert "first_show" not in done.stderr
    assert run("report", measured, "--fail-if", "wer>0.05").exit_code == 0


def test_an_unknown_measure_is_exit_2_with_the_list(measured: Path) -> None:
    done = run("report", measured, "--fail-if", "accuracy<0.9")
    assert done.exit_code == 2
    assert all(name in done.stderr for name in MEASURES)


def test_a_profile_and_thresholds_are_judged(measured: Path, tmp_path: Path) -> None:
    assert "page" not in run("report", measured, "--profile", "ofcom").stdout
    done = run("report", measured, "--profile", "en301549")
    assert "met: 95 % of the words are painted within 0.01 s" in done.stdout
    own = tmp_path / "own.toml"
    own.write_text('thresholds = ["wer<=1%"]')
    assert "asked: at most 1.0" in run("report", measured, "--profile", own).stdout
    assert "not met" in run("report", measured, "--threshold", "wer<=0.01").stdout
    assert run("report", measured, "--profile", "none").exit_code == 2


def test_what_was_not_measured_is_not_called_good(measured: Path) -> None:
    done = run("report", measured, "--threshold", "wer<=50%", "--threshold", "cpwer<=50%")
    assert "Good as far as it was measured: 1 of 2 thresholds met" in done.stdout
    assert "not measured: Wrong words, name included (asked: at most 50.0" in done.stdout
    page = (measured / "report.html").read_text("utf-8")
    assert "<strong>met: 1 · not measured: 1</strong>" in page
    assert (
        "Good: 1 of 1 threshold met." in run("report", measured, "--threshold", "wer<=50%").stdout
    )


def test_captions_of_another_product_are_scored_and_reported(tmp_path: Path) -> None:
    (tmp_path / "ref.txt").write_text("It was the best of times.")
    (tmp_path / "hyp.vtt").write_text(
        "WEBVTT\r\n\r\n00:01.000 --> 00:03.000 align:left\r\n<v Ann>It was the test of times.\r\n"
    )
    out = tmp_path / "out"
    done = run("score", tmp_path / "ref.txt", tmp_path / "hyp.vtt", "--out", out)
    assert done.exit_code == 0
    assert "Wrong words: 16.7" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "clips", "clips.csv", "report.html", "results.json", "run.json",
    ]  # fmt: skip
    assert run("report", out).exit_code == 0


def test_two_runs_are_compared(measured: Path, tmp_path: Path) -> None:
    write_all(tmp_path / "better", Run(), clips(wrong=0))
    done = run("compare", measured, tmp_path / "better")
    assert done.exit_code == 0
    assert "better       Wrong words: 4.8" in done.stdout
    found = json.loads(run("compare", measured, tmp_path / "better", "--json").stdout)
    assert found["differences"][0]["outcome"] == "better"


def test_a_comparison_is_a_page_in_both_languages(measured: Path, tmp_path: Path) -> None:
    better, out = tmp_path / "better", tmp_path / "out"
    write_all(better, Run(settings={"engine": HARD}), clips(wrong=0))
    assert run("compare", measured, better, "--out", out).exit_code == 0
    page = (out / "compare.html").read_text("utf-8")
    assert "figures and worse in none" in page
    assert "12 recordings or passages that both measurements have" in page
    assert HARD not in page  # what differed between the runs is text
    assert '<tr><th scope="row">Recogniser</th>' in page
    assert json.loads((out / "compare.json").read_text("utf-8"))["clips"] == 12
    run("compare", measured, better, "--out", out, "--report-language", "fr")
    assert '<html lang="fr">' in (out / "compare.html").read_text("utf-8")


@pytest.mark.browser
async def test_a_comparison_is_accessible(
    measured: Path, tmp_path: Path, chromium_path: str, axe_core: str
) -> None:
    write_all(tmp_path / "better", Run(), clips(wrong=0))
    run("compare", measured, tmp_path / "better", "--out", tmp_path)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(bypass_csp=True, viewport={"width": 320, "height": 640})
        await page.goto((tmp_path / "compare.html").as_uri())
        await page.add_script_tag(content=axe_core)
        found = await page.evaluate("axe.run()")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        await browser.close()
    assert [one["id"] for one in found["violations"]] == []
    assert wide <= 320


def test_runs_that_cannot_be_compared_are_said_to_be_so_first(
    measured: Path, tmp_path: Path
) -> None:
    alone = [replace(one, through="engine") for one in clips(wrong=0)]
    write_all(tmp_path / "alone", Run(settings={"seed": "7"}), alone)
    done = run("compare", measured, tmp_path / "alone", "--out", tmp_path / "out")
    assert done.stdout.startswith("These two measurements are not comparable.")
    assert "taken at different places: a browser and the recogniser alone" in done.stdout
    assert "different seeds: – and 7" in done.stdout
    page = (tmp_path / "out" / "compare.html").read_text("utf-8")
    first = page.index('class="headline">These two measurements are not comparable')
    assert first < page.index("taken at different places") < page.index("What matters most")
    assert json.loads((tmp_path / "out" / "compare.json").read_text("utf-8"))["comparable"] is False
    done = run("compare", measured, tmp_path / "alone", "--report-language", "fr")
    assert done.stdout.startswith("Ces deux mesures ne sont pas comparables.")


def test_a_figure_that_did_not_change_is_the_same(measured: Path) -> None:
    done = run("compare", measured, measured)
    assert done.stdout.startswith("The same: no figure differs in any recording.")
    assert "can't tell" not in done.stdout


def test_the_headline_is_the_strict_figure_and_the_weighed_one_stands_below(measured: Path) -> None:
    write_run(measured, Run(product="Acme", started="2026-11-01T10:00:00+00:00"))
    done = run("report", measured)
    strict, about, *rest = done.stdout.split("\n")
    assert strict == "4.8\u00a0% wrong, missing or made-up words, relative to the words spoken."
    assert about == "Acme · 1 November 2026 · English"
    assert any("do not quote it without the share of wrong words" in line for line in rest)
    run("report", measured, "--report-language", "fr")
    page = (measured / "report.html").read_text("utf-8")
    assert page.index('class="headline">4,8') < page.index("Exactitude pondérée")
    assert "Acme · 1er novembre 2026 · anglais" in page


def test_one_is_singular_and_a_page_has_no_names_of_programs(tmp_path: Path) -> None:
    (tmp_path / "ref.txt").write_text("It was the best of times.")
    (tmp_path / "hyp.vtt").write_text(
        "WEBVTT\n\n00:01.000 --> 00:03,000\nIt was the test of times.\n"
    )
    out = tmp_path / "out"
    run(
        "score",
        tmp_path / "ref.txt",
        tmp_path / "hyp.vtt",
        "--out",
        out,
        "--threshold",
        "vtt_errors<=0",
    )
    page = (out / "report.html").read_text("utf-8")
    assert "1 error against the rules" in page
    assert "1 error in 6 words" in page
    assert not [name for name in MEASURES if re.search(rf">\s*{name}\s*<", page)]


def test_speakers_are_resampled_where_there_are_five(measured: Path, tmp_path: Path) -> None:
    run("report", measured)
    few = json.loads((measured / "results.json").read_text("utf-8"))["figures"]["wer"]
    assert (few["speakers"], few["speakers_low"]) == (3, None)
    page = (measured / "report.html").read_text("utf-8")
    assert "Only 3 speakers; a range over speakers needs 5" in page
    many = [replace(one, columns={"speaker": f"s{n % 6}"}) for n, one in enumerate(clips())]
    write_all(tmp_path, Run(), many)
    run("report", tmp_path)
    wer = json.loads((tmp_path / "results.json").read_text("utf-8"))["figures"]["wer"]
    assert wer["speakers"] == 6
    assert wer["speakers_low"] < wer["value"] < wer["speakers_high"]
    assert "over its 6 speakers between" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("tongue", ["en", "fr"])
def test_the_report_says_what_laws_count_and_what_it_cannot(
    measured: Path, tmp_path: Path, tongue: str
) -> None:
    run("report", measured, "--report-language", tongue)
    live = (measured / "report.html").read_text("utf-8")
    (tmp_path / "ref.txt").write_text("It was the best of times.")
    run(
        "score", tmp_path / "ref.txt", tmp_path / "ref.txt", "--out", tmp_path / "out",
        "--report-language", tongue,
    )  # fmt: skip
    recorded = (tmp_path / "out" / "report.html").read_text("utf-8")
    for page in (live, recorded):
        assert all(name in page for name in ("47 CFR 79.1(j)(2)", "NER", "1.2.4", "EN 301 549"))
    assert "7.1.2" in live
    assert "4.3" in recorded
    assert "4.4" in recorded
    both = {"en": ("Accurate", "Placed"), "fr": ("Exacts", "Bien placés")}[tongue]
    assert all(name in live and name in recorded for name in both)


def test_french_text_has_no_break_before_its_high_marks() -> None:
    text = (files("eval") / "templates" / "fr.toml").read_text("utf-8")
    assert re.findall(r"(?m)^[^#\n]* [;:?!»%]", text) == []


def test_both_languages_say_the_same_things() -> None:
    texts = [
        tomllib.loads((files("eval") / "templates" / f"{tongue}.toml").read_text("utf-8"))
        for tongue in ("en", "fr")
    ]
    names = [{(part, name) for part, some in text.items() for name in some} for text in texts]
    assert names[0] == names[1]


def test_a_run_without_a_usable_clip_fails_with_a_sentence(tmp_path: Path) -> None:
    broken = Observation("a", "en", 1.0, (), (), "engine", error="a: no sound in it")
    write_all(tmp_path, Run(), [broken])
    done = run("report", tmp_path)
    assert done.exit_code == 1
    assert "a: no sound in it" in done.stdout
    assert "no clip could be measured" in done.stderr


def run_where_files_may_have(size: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What a full disk does: the system refuses to write on."""
    limit = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({size}, {size}))"
    program = f"{limit}; from eval.commands.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", [100, 20_000])  # less than results.json; less than the page
def test_a_full_disk_leaves_the_old_report_whole_and_says_so(measured: Path, size: int) -> None:
    assert run("report", measured).exit_code == 0
    before = contents(measured)
    done = run_where_files_may_have(size, "report", measured, "--profile", "ofcom")
    assert done.returncode == 1
    assert "cannot be written (File too large)" in done.stderr
    assert "Make room" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(measured) == before


def test_a_full_disk_leaves_an_earlier_run_in_its_place(measured: Path, tmp_path: Path) -> None:
    before = contents(measured)
    (tmp_path / "ref.txt").write_text("best of times " * 200)
    done = run_where_files_may_have(
        2000, "score", tmp_path / "ref.txt", tmp_path / "ref.txt", "--out", measured
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert contents(measured) == before


def test_a_folder_that_holds_no_run_is_named(tmp_path: Path) -> None:
    done = run("report", tmp_path)
    assert done.exit_code == 1
    assert "holds no run" in done.stderr


def test_a_report_without_sound_is_small(measured: Path) -> None:
    with_sound = run("report", measured).exit_code, (measured / "report.html").stat().st_size
    assert run("report", measured, "--no-audio").exit_code == 0
    assert "data:audio" not in (measured / "report.html").read_text(encoding="utf-8")
    assert (measured / "report.html").stat().st_size < with_sound[1]


@pytest.mark.browser
async def test_the_page_needs_no_network_and_shows_hard_names_as_text(page: Page) -> None:
    assert page.complaints == [page.url]  # type: ignore[attr-defined]
    assert HARD in await page.locator("#left-out + p + ul").inner_text()
    assert await page.locator("script").count() == 0


@pytest.mark.browser
async def test_the_page_fits_a_narrow_window(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.browser
async def test_the_sound_of_a_passage_can_be_played(page: Page) -> None:
    seconds = await page.evaluate(
        """async () => {
          const audio = document.querySelector("audio");
          audio.preload = "auto";
          audio.load();
          while (!(audio.readyState >= 1)) {
            if (audio.error) throw audio.error.message;
            await new Promise((go) => setTimeout(go, 20));
          }
          return audio.duration;
        }"""
    )
    assert seconds == pytest.approx(2.7, abs=0.1)


@pytest.mark.browser
async def test_the_page_has_no_fault_that_axe_finds(page: Page, axe_core: str) -> None:
    # By the inspector, which the page's own policy does not bind.
    found = await page.context.new_cdp_session(page)
    await found.send("Runtime.evaluate", {"expression": axe_core})
    answer = await found.send(
        "Runtime.evaluate",
        {
            "expression": "axe.run().then((r) => r.violations.map((v) => v.nodes[0].html))",
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    assert answer["result"]["value"] == []


@pytest.mark.parametrize("tongue", TONGUES)
def test_every_language_that_is_scored_has_a_name(tongue: Tongue) -> None:
    assert set(LANGUAGES) == set(wording(tongue).texts["language"])
