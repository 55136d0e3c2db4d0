"""Builds the images of the Containerfile without a container: each in a folder of its own.

A stage's folder stands for its file system, above this machine's /usr and /etc, which stand for
the base image. Every RUN is run there as root, by bubblewrap, and so is every command afterwards,
but as a user without rights, on the folder read-only, with the image's variables alone.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
USER = "65532"
SYSTEM = ("usr", "etc")
LINKS = ("bin", "sbin", "lib", "lib64")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REGISTRIES = (
    "PIP_",
    "NPM_CONFIG_",
    "npm_config_",
    "SSL_",
    "NODE_EXTRA_",
    "http",
    "HTTP",
    "no_proxy",
)
"""What a build is told of registries and proxies, as an image builder tells it."""


@dataclass
class Image:
    """A stage, in a folder. step: instructions as ``check containerfile`` prints them."""

    folder: Path
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    where: str = "/"
    user: str = "0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def start(
        self,
        command: Sequence[str],
        *,
        variables: Mapping[str, str] | None = None,
        mounts: Sequence[tuple[Path, str]] = (),
        writable: Sequence[str] = ("/tmp",),
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Run a command as a container would: its user, its variables, read-only.

        mounts: files or folders of this machine, and where. writable: empty folders in memory.
        """
        made = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        if os.geteuid() != 0:
            made = ["env"]  # already a user without rights
        made += self._sandbox("--ro-bind", {**self.variables, **(variables or {})})
        for folder in writable:
            made += ["--tmpfs", folder]
        for outside, inside in mounts:
            made += ["--ro-bind", str(outside), inside]
        made += ["--unshare-pid", "--as-pid-1", "--", *self.entrypoint, *command]
        for place in writable:
            self._inside(place).mkdir(parents=True, exist_ok=True)
        for _, inside in mounts:
            if not inside.startswith("/etc/"):  # which is this machine's
                self._inside(inside).parent.mkdir(parents=True, exist_ok=True)
                self._inside(inside).touch()
        return subprocess.Popen(made, text=True, stdin=subprocess.DEVNULL, **options)

    def build(self, step: Mapping[str, Any], others: Mapping[str, Image]) -> None:
        """Do what one instruction says. Raises SystemExit if a command fails."""
        arguments: list[str] = step["arguments"] or []
        match step["name"].upper():
            case "RUN":
                self._run(["/bin/sh", "-c", *arguments] if step["shell"] else arguments)
            case "COPY" if step["from"]:
                for name in arguments:
                    self._copy(others[step["from"]].folder / name.lstrip("/"), step["to"])
            case "COPY":
                for name in arguments:
                    self._copy_ours(name, step["to"])
            case "WORKDIR":
                self.where = step["to"]
                self._inside(self.where).mkdir(parents=True, exist_ok=True)
            case "ENV":
                self.variables |= step["variables"]
            case "USER":
                self.user = step["to"].partition(":")[0]
            case "ENTRYPOINT":
                self.entrypoint = arguments
            case "CMD":
                self.command = arguments

    def prepare(self) -> None:
        """Make the places at which this machine's system is mounted."""
        for name in (*SYSTEM, "proc", "dev", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in LINKS:
            if not (link := self.folder / name).is_symlink():
                link.symlink_to(f"usr/{name}")

    def _run(self, command: Sequence[str]) -> None:
        given = {name: os.environ[name] for name in os.environ if name.startswith(REGISTRIES)}
        variables = {"HOME": "/tmp", **given, **self.variables}
        sandbox = self._sandbox("--bind", variables)
        done = subprocess.run(
            [*sandbox, "--chdir", self.where, "--", *command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if done.returncode:
            print(done.stdout)
            sys.exit(f"BAD  RUN {shlex.join(command)}: exit status {done.returncode}")

    def _sandbox(self, bind: str, variables: Mapping[str, str]) -> list[str]:
        made = ["bwrap", "--die-with-parent", bind, str(self.folder), "/"]
        for name in SYSTEM:
            made += ["--ro-bind", f"/{name}", f"/{name}"]
        made += ["--proc", "/proc", "--dev", "/dev", "--clearenv"]
        for name, value in variables.items():
            made += ["--setenv", name, value]
        return made

    def _inside(self, path: str) -> Path:
        return self.folder / os.path.join(self.where, path).lstrip("/")

    def _copy(self, source: Path, to: str) -> None:
        target = self._inside(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", "--reflink=auto", "-T", source, target], check=True)

    def _copy_ours(self, name: str, to: str) -> None:
        """From the repository, without what git ignores."""
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z", name],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        files = [ROOT / one for one in listed.split("\0") if one and (ROOT / one).is_file()]
        if not files:
            raise FileNotFoundError(f"COPY {name}: there is no such file in the repository")
        for file in files:
            inner = file.relative_to(ROOT / name) if (ROOT / name).is_dir() else Path(file.name)
            target = self._inside(to) / inner
            if not (ROOT / name).is_dir() and not to.endswith("/"):
                target = self._inside(to)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)


def stages(check: Path, containerfile: Path) -> list[dict[str, Any]]:
    """What the parser says. check: our program. Raises subprocess.CalledProcessError."""
    done = subprocess.run(
        [check, "containerfile", containerfile], check=True, stdout=subprocess.PIPE, text=True
    )
    parsed: list[dict[str, Any]] = json.loads(done.stdout)
    return parsed


def build(
    parsed: Sequence[Mapping[str, Any]], targets: Sequence[str], folder: Path
) -> dict[str, Image]:
    """The images of ``targets`` and of what they need, by name."""
    images: dict[str, Image] = {}
    for stage in parsed:
        if stage["name"] not in _needed(parsed, targets):
            continue
        print(f"     building {stage['name']}", flush=True)
        image = images[stage["name"]] = Image(folder / stage["name"])
        if base := images.get(stage["base"]):
            subprocess.run(["cp", "-a", "--reflink=auto", base.folder, image.folder], check=True)
            image.variables, image.where = dict(base.variables), base.where
        image.prepare()
        for step in stage["steps"]:
            image.build(step, images)
    return images


def _needed(parsed: Sequence[Mapping[str, Any]], targets: Sequence[str]) -> set[str]:
    found = set(targets)
    for stage in reversed(parsed):
        if stage["name"] in found:
            found |= {stage["base"], *(step["from"] for step in stage["steps"])}
    return found
