"""`make browser`: see to it that there are a Chromium and a Firefox for the tests.

Says nothing when there are. Without a Firefox its tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from eval.runs.browser import on_path
from eval.testing.firefox import find_firefox

INSTALLERS = {
    "apt-get": [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq"]],
    "dnf": [["dnf", "install", "-y", "-q"]],
    "pacman": [["pacman", "-Sy", "--noconfirm", "--quiet"]],
    "apk": [["apk", "add", "--quiet"]],
}
FIREFOX = {"apt-get": "firefox-esr", "dnf": "firefox", "pacman": "firefox", "apk": "firefox-esr"}
"""Ubuntu's apt-get installs `chromium` as a snap, which cannot be driven everywhere: hence the
look at what came of it."""


def there_is_one() -> bool:
    """Whether a Chromium on the PATH, or Playwright's own, can be started."""
    found = on_path()
    if found is None:
        with sync_playwright() as driver:
            return Path(driver.chromium.executable_path).exists()
    return succeeds([found, "--version"])


def succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def as_root() -> list[str] | None:
    """What has to stand before a command that only root may run; None if we may not be root."""
    if os.name != "posix":
        return None
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if shutil.which("sudo") and succeeds(["sudo", "-n", "true"]) else None


def installer() -> str | None:
    """The system's package manager."""
    return next((name for name in INSTALLERS if shutil.which(name)), None)


def install_with(name: str, package: str) -> bool:
    """With the system's package manager, where we may."""
    root = as_root()
    if root is None:
        return False
    print(f"No {package} on the PATH: installing one with {name}", flush=True)
    *before, last = INSTALLERS[name]
    return all(succeeds([*root, *command]) for command in [*before, [*last, package]])


def install() -> bool:
    """With the system's package manager where we may, else with Playwright."""
    name = installer()
    if name is not None and install_with(name, "chromium") and there_is_one():
        return True
    print("No Chromium on the PATH: Playwright installs its own (about 170 MB)", flush=True)
    return succeeds([sys.executable, "-m", "playwright", "install", "chromium"]) and there_is_one()


def main() -> None:
    if not there_is_one() and not install():
        sys.exit(
            "No Chromium for the tests of the page, and none could be installed: install Chromium"
            " so that `chromium` is on the PATH (Debian: apt-get install chromium), then again."
        )
    name = installer()
    if find_firefox() is None and not (name and install_with(name, FIREFOX[name])):
        print("No Firefox on the PATH: the tests of the page in Firefox are skipped", flush=True)


if __name__ == "__main__":
    main()
