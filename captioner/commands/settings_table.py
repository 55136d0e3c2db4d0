"""Makes docs/settings.md from the settings and options that it describes.

``make docs`` writes the page; a test compares it with the result of ``document``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from captioner.commands.options import IDENTITY, ROOM
from captioner.settings import Settings
from streaming.kyutai_server import cli

Row = tuple[str, str, str, str]

HEAD = """# Settings

Made from the code by `make docs`: do not edit by hand.

## captioner

These environment variables are read by `captioner demo`, `run`, `worker`, `api`, `check` and
`transcribe`.
An option of the command line takes precedence. Each command warns about a `CAPTIONER_…` variable
that it does not know.
"""

BETWEEN = f"""
`captioner run` takes `{ROOM}` and `{IDENTITY}` in place of `--room` and `--identity`.
`captioner worker` sets both, and `CAPTIONER_RECORDING`, for the bots that it starts; for them
`CAPTIONER_WANT` is `always` and `CAPTIONER_LEGACY` is `final` unless you set them.

## asr-server

Each option of `asr-server` can be given as an environment variable; the option takes precedence.
"""


def document() -> str:
    """Return the text of docs/settings.md."""
    schema = Settings.model_json_schema(by_alias=True)
    settings = (
        _setting(name, field, schema["$defs"]) for name, field in schema["properties"].items()
    )
    options = (_option(one) for one in cli.main.params if one.name != "version")
    parts = HEAD, *_table("variable", settings), BETWEEN, *_table("variable, option", options), ""
    return "\n".join(parts)


def _table(first: str, rows: Iterable[Row]) -> Iterator[str]:
    yield f"| {first} | default | values | meaning |"
    yield "|---|---|---|---|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _setting(name: str, field: dict[str, Any], defined: dict[str, Any]) -> Row:
    kind, *_ = field.get("anyOf", [field])
    kind = {**kind, **defined.get(kind.get("$ref", "").removeprefix("#/$defs/"), {})}
    values = _code(*(kind.get("enum") or kind.get("pattern", "").strip("^$()").split("|")))
    if "minimum" in kind:
        values = f"{kind['minimum']} to {kind['maximum']}"
    if kind["type"] == "boolean":
        values = _code("on", "off")
    default = "" if kind.get("format") == "password" else _plain(field["default"])
    # A field whose description is that of its enumeration has none of its own.
    told = field.get("description") or kind["description"]
    return f"`{name}`", _code(default), values, told


def _option(option: click.Parameter) -> Row:
    assert isinstance(option, click.Option)
    kind, values = option.type, ""
    if isinstance(kind, click.Choice):
        values = _code(*kind.choices)
    elif isinstance(kind, click.IntRange):
        values = f"{kind.min} to {kind.max}" if kind.max else f"{kind.min} or more"
    elif option.is_flag:
        values = _code("on", "off")
    default = option.to_info_dict()["default"]
    names = f"{cli.PREFIX}_{str(option.name).upper()}", option.opts[0]
    return _code(*names), _code(_plain(default)), values, option.help or ""


def _plain(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "on" if value else "off"
        case _:
            return str(value)


def _code(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words if word)


if __name__ == "__main__":
    click.echo(document(), nl=False)
