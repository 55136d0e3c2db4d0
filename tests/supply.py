"""`make licences` and `make audit`: the licences of what the product is made of, and known faults.

    python -m tests.supply licences SBOM…     each component's licence, against an allow-list
    python -m tests.supply audit PIP… NPM     reports of pip-audit and npm audit, in sentences

Exit status: 0, 1 (a licence that is not allowed; a known vulnerability), and 2 of audit (not
everything could be looked up).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, Licensing

ALLOWED = frozenset(
    {
        "0bsd", "apache-2.0", "blueoak-1.0.0", "bsd-2-clause", "bsd-3-clause", "bsl-1.0",
        "cc0-1.0", "cnri-python", "isc", "mit", "mit-0", "ofl-1.1", "psf-2.0", "python-2.0",
        "unlicense", "zlib",
        "mpl-2.0",  # copyleft of single files; nothing is asked of who uses the library unchanged
    }
)  # fmt: skip

REVIEWED = {
    "av": "its code is BSD-3-Clause; the wheel carries FFmpeg (LGPL-3.0-or-later) with x264 and "
    "x265 (GPL-2.0-or-later): who passes an image on must offer their source",
    "multidict": "Apache-2.0; the package does not say so in its metadata",
    "naughty-words": "CC-BY-4.0; NOTICE names the list, its authors and what is used of it",
    "protobuf": "BSD-3-Clause; the package does not say so in its metadata",
    "soxr": "LGPL-2.1-or-later; a library that is used unchanged and can be replaced",
    "sphn": "MIT or Apache-2.0; the package does not say so in its metadata",
    "livekit-local-inference": "Apache-2.0; its models are under LiveKit's own licence, and are "
    "not used",
}
"""Components that were looked at by a person, and what there is to know."""

REVIEWED_PREFIXES = {
    "nvidia-": "NVIDIA's own licence: CUDA may be used, and passed on with an application",
}

CLASSIFIERS = {
    "Apache Software License": "apache-2.0",
    "BSD License": "bsd-3-clause",
    "MIT License": "mit",
    "Mozilla Public License 2.0 (MPL 2.0)": "mpl-2.0",
}

_licensing = Licensing()


def allowed(expression: str) -> bool:
    """Whether an SPDX expression, or a trove classifier, can be met by allowed licences alone."""
    expression = CLASSIFIERS.get(expression.split(" :: ")[-1], expression)
    try:
        parsed = _licensing.parse(expression, simple=True)
    except ExpressionError:
        return False
    values = {symbol: symbol.key.lower() in ALLOWED for symbol in parsed.symbols}
    return bool(_evaluated(parsed, values))


def _evaluated(node: Any, values: dict[Any, bool]) -> bool:
    if node in values:
        return values[node]
    each = [_evaluated(arg, values) for arg in node.args]
    return any(each) if isinstance(node, _licensing.OR) else all(each)


def licences_of(component: dict[str, Any]) -> list[str]:
    """The licences that a CycloneDX component gives; several of them all apply."""
    found = component.get("licenses", [])
    return [
        one.get("expression") or one["license"].get("id") or one["license"]["name"] for one in found
    ]


def note_on(name: str) -> str | None:
    """What is known of a component that was looked at by a person."""
    by_prefix = (note for start, note in REVIEWED_PREFIXES.items() if name.startswith(start))
    return REVIEWED.get(name) or next(by_prefix, None)


def licences(sboms: Iterable[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """A line for each component, and for each that is not allowed.

    A component is allowed if a person has looked at it, or if all the licences it gives are.
    """
    lines, refused = set(), set()
    for component in (one for sbom in sboms for one in sbom.get("components", [])):
        name, given = component["name"], licences_of(component)
        note = note_on(name)
        line = f"{name} {component.get('version', '')}: {note or ', '.join(given) or 'not said'}"
        lines.add(line)
        if not note and not (given and all(allowed(one) for one in given)):
            refused.add(line)
    return sorted(lines, key=str.lower), sorted(refused, key=str.lower)


def audit(pips: Iterable[dict[str, Any]], npm: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What is known to be vulnerable, and what could not be looked up, a sentence each."""
    faults, unknown = [*_npm_faults(npm)], [*_npm_unknown(npm)]
    for pip in pips:
        faults += _pip_faults(pip)
        unknown += _pip_unknown(pip)
    return faults, unknown


def _pip_faults(report: dict[str, Any]) -> Iterator[str]:
    for one in report.get("dependencies", []):
        for fault in one.get("vulns", []):
            mended = ", ".join(fault.get("fix_versions", [])) or "no version yet"
            yield f"{one['name']} {one['version']}: {fault['id']}, mended in {mended}"


def _pip_unknown(report: dict[str, Any]) -> Iterator[str]:
    each = report.get("dependencies", [])
    skipped = [one["name"] for one in each if "skip_reason" in one]
    if not each:
        yield "Python packages: pip-audit could not reach its database"
    elif skipped:
        yield (
            f"Python packages: {len(skipped)} of {len(each)} were not found in the database "
            f"({', '.join(skipped[:3])}…)"
        )


def _npm_faults(report: dict[str, Any]) -> Iterator[str]:
    for name, fault in report.get("vulnerabilities", {}).items():
        yield f"{name} {fault.get('range', '')}: {fault.get('severity', 'vulnerable')}"


def _npm_unknown(report: dict[str, Any]) -> Iterator[str]:
    if "vulnerabilities" not in report:
        yield "npm packages: npm audit could not reach its database"


def _read(file: str) -> dict[str, Any]:
    """The object in a JSON file; empty if it holds none, as after a tool that failed."""
    try:
        found = json.loads(Path(file).read_text())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def main(command: str, *files: str) -> int:
    """Run one of the two commands and return its exit status."""
    if command == "licences":
        lines, refused = licences(_read(file) for file in files)
        print(*lines, sep="\n")
        print(f"\n{len(lines)} components")
        if refused:
            print("NOT ALLOWED (tests/supply.py):", *refused, sep="\n  ")
        return 1 if refused or not lines else 0
    *pips, npm = map(_read, files)
    faults, unknown = audit(pips, npm)
    for one in faults:
        print("VULNERABLE:", one)
    for one in unknown:
        print("NOT LOOKED UP:", one)
    if not faults and not unknown:
        print("Every package was looked up; no vulnerability is known.")
    return 1 if faults else 2 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
