"""The type of options that say which language is spoken."""

from __future__ import annotations

import re

import click

from eval.normalization.normalize import LANGUAGES
from eval.report.wording import TONGUES, wording


class SpokenLanguage(click.ParamType[str]):
    """A BCP 47 tag. A name, such as "French", is refused with the tag to give."""

    name = "tag"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}", value):
            return value
        named = {
            name: tag
            for tongue in TONGUES
            for tag, name in wording(tongue).texts["language"].items()
        }
        tags = {name.lower(): tag for name, tag in named.items()}
        give = tags.get(value.strip().lower()) or f"one of {', '.join(LANGUAGES)}"
        self.fail(
            f"{value[:80]!r} is no tag of a language: give {give} (of another language, such as"
            " pl, all but the words is measured)",
            param, ctx,
        )  # fmt: skip
