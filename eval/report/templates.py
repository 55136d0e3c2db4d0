"""Renders self-contained pages. The only file that imports jinja2."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eval.report.wording import Wording


def page(template: str, words: Wording, **content: Any) -> str:
    """Render one of eval/templates; all values are text, not HTML."""
    templates = Environment(
        loader=PackageLoader("eval"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = templates.get_template("report.css").render()
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return templates.get_template(template).render(
        w=words,
        t=words.page,
        style=Markup(style),  # ours, from the package
        digest=digest,
        **content,
    )
