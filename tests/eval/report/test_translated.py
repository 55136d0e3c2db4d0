"""What readers of files say, in French."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from eval.report.translated import translated

CORPUS = Path(str(files("eval"))) / "corpus"
KEYS = tomllib.loads((CORPUS.parent / "templates" / "sentences.fr.toml").read_text("utf-8"))


def said_of_files() -> Iterator[str]:
    """The sentences of eval/corpus about lines, with "7" for what they quote."""
    for path in CORPUS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Skipped" | "BadLine"), args=[why, *_]):
                    yield from _text(why)
        if path.name == "webvtt_check.py":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                    yield from _text(node.value.elts[1])


def _text(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "7" for p in parts)


def test_every_sentence_about_a_line_has_a_translation() -> None:
    sentences = set(said_of_files())
    assert len(sentences) > 30
    assert [one for one in sorted(sentences) if translated(one, "fr") == one] == []


def test_a_translation_quotes_what_the_sentence_quotes() -> None:
    for english, french in KEYS.items():
        told = re.sub(r"{([a-z]+)}", r"«\1»", english)
        assert translated(f"a b.srt:12: {told}", "fr").startswith("a b.srt:12: ")
        quoted = re.findall(r"{([a-z]+)}", english)
        assert sorted(quoted) == sorted(re.findall(r"{([a-z]+)}", french))
        assert all(f"«{name}»" in translated(told, "fr") for name in quoted)
        assert translated(told, "en") == told


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("/a/b c.vtt:3: 'x' is not a cue setting", "/a/b c.vtt:3: 'x' n'est pas un réglage"),
        ("a.ctm:7: 'one: two' is not a time in seconds", "a.ctm:7: 'one: two' n'est pas un temps"),
        (
            "a.json: can hardly be read at all (line 1: is not JSON (x)); save it again, as .vtt, "
            ".srt or .txt, with the program that made it",
            "a.json: presque rien n'y est lisible (ligne 1: n'est pas du JSON (x))",
        ),
        ("what nobody says", "what nobody says"),
    ],
)
def test_a_sentence_keeps_its_place_and_its_quotations(english: str, french: str) -> None:
    assert translated(english, "fr").startswith(french)
