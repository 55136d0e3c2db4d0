"""Runs every command of the Containerfile and of the compose file here, without a container.

    python deploy/check/containers.py CHECK [asr-server]

CHECK: our program of that name. asr-server: build that image too, 7 GB. Needs bubblewrap; as root
also nginx, redis-server, prometheus and a livekit-server, of which the compose project is made.
Prints what it did not run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from images import ROOT, Image, build, stages
from project import COMPOSE, PATH, Project, must, own_network

KEYS = {
    "LIVEKIT_API_KEY": "captions",
    "LIVEKIT_API_SECRET": "a-secret-for-this-check-alone-0123456789",
    "GRAFANA_PASSWORD": "not-used",
}
DASHBOARD = ROOT / "deploy" / "monitoring" / "dashboard.json"
PROGRAMS = "nginx", "redis-server", "prometheus", "ip"
ANSWER_S = 60.0
DOCTOR_S = 400.0


def main() -> None:
    """Exit status 1 if a command failed."""
    check, *more = sys.argv[1:]
    targets = ["bot", "page", *more]
    with tempfile.TemporaryDirectory(prefix="images-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # for the user without rights
        services = compose_services(Path(check), folder)
        images = build(stages(Path(check), ROOT / "deploy" / "Containerfile"), targets, folder)
        for target in targets:
            starts(images[target], target)
        if not more:
            not_run("the image asr-server (7 GB): make deploy-check ASR_SERVER=asr-server")
        not_run("the base images, Grafana, a GPU, two workers at once")
        missing = [one for one in PROGRAMS if not shutil.which(one, path=PATH)]
        if missing or os.geteuid() != 0:
            why = f"no {', '.join(missing)} here" if missing else "only root can give it a network"
            not_run(f"the project of compose.yaml: {why}")
        else:
            caption_a_sentence(services, images, folder)


def compose_services(check: Path, folder: Path) -> dict[str, Any]:
    """As compose reads them; and they must not be read without keys."""
    file, empty = folder / "env", folder / "empty-env"
    file.write_text("".join(f"{name}={value}\n" for name, value in KEYS.items()))
    empty.touch()
    refused = subprocess.run([check, "compose", empty, COMPOSE], capture_output=True, text=True)
    named = all(f"{name} is missing" in refused.stderr for name in KEYS)
    must(refused.returncode == 1 and named, "compose.yaml is refused without keys, by name")
    done = subprocess.run([check, "compose", file, COMPOSE], check=True, stdout=subprocess.PIPE)
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def starts(image: Image, name: str) -> None:
    """Its program starts, and cannot write where it is."""
    program = image.entrypoint[0]
    ask = "-v" if program == "nginx" else "--help"
    with image.start([ask], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as asked:
        said = asked.communicate(timeout=ANSWER_S)[0]
    if asked.returncode:
        print(said)
    must(asked.returncode == 0 and program in said, f"{name}: {program} {ask}")
    touch = Image(image.folder, image.variables, user=image.user, entrypoint=["touch"])
    with touch.start(["/tmp/x"]) as tried:
        must(tried.wait() == 0, f"{name}: can write /tmp")
    for place in ("/app/x", "/x", "/etc/x"):
        with touch.start([place], stderr=subprocess.DEVNULL) as tried:
            must(tried.wait() != 0, f"{name}: cannot write {place}")


def caption_a_sentence(
    services: Mapping[str, Any], images: Mapping[str, Image], folder: Path
) -> None:
    """By the compose project, on a network of its own."""
    from captioner.demo.livekit_server import find_or_build

    livekit = find_or_build(print)
    own_network()
    with Project(services, folder) as project:
        project.beside(["redis-server", "--save", "", "--protected-mode", "no"])
        project.beside([str(livekit)], LIVEKIT_CONFIG=project.livekit_config())
        project.until(7880, "livekit-server answers")
        worker = project.up("worker", images["bot"])
        project.until(8081, "worker: healthy, without rights, on a read-only tree")
        project.until(9464, "worker: /metrics", path="/metrics", says="captioner_worker_connected")
        watch(project, folder)
        project.up("api", images["bot"])
        project.until(8091, "api: served", path="/openapi.json", says="openapi")
        project.up("passes", images["bot"])
        project.until(8090, "passes: served", says="<title>")
        passes = (COMPOSE.with_name("passes.conf"), "/page-conf.d/passes.conf")
        project.up("page", images["page"], passes)
        project.until(8080, "page: served", says="<title>")
        project.until(8080, "page: a pass", path="/api/join?name=Ada", says='"room": "demo"')
        command, piped = ["doctor", "--wait", "180"], subprocess.PIPE
        doctor = project.up("worker", images["bot"], command=command, stdout=piped)
        said = doctor.communicate(timeout=DOCTOR_S)[0]
        print(textwrap.indent(said, "     "), end="")
        # Not its status: this machine may be slow.
        must("ok   words" in said, "captioner doctor: a sentence was captioned")
        dashboard_shows(project)
        project.stop(worker)
        must(worker.wait(timeout=DOCTOR_S) == 0, "worker: SIGTERM ends it as process 1, status 0")


def watch(project: Project, folder: Path) -> None:
    """Start Prometheus with the project's file, which finds its targets by a name service there."""
    config = COMPOSE.with_name("prometheus.yml").read_text(encoding="utf-8")
    here = r'static_configs: [{targets: ["127.0.0.1:\1"]}]'
    config, found = re.subn(r"dns_sd_configs: .*port: (\d+)\}\]", here, config)
    must(found == 2 and "15s" in config, "prometheus.yml: workers and speech servers")
    rules = str(DASHBOARD.with_name("alerts.yml"))
    file, data = folder / "prometheus.yml", folder / "prometheus"
    file.write_text(config.replace("15s", "1s").replace("alerts.yml", rules))
    project.beside(["prometheus", f"--config.file={file}", f"--storage.tsdb.path={data}"])
    project.until(9090, "Prometheus: ready", path="/-/ready")


def dashboard_shows(project: Project) -> None:
    """What the dashboard's panels show of this one meeting; those of speech servers nothing."""
    empty = []
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            value = project.measured(target["expr"])
            print(f"     {panel['title']}: {value}")
            if value is None and "asr_" not in target["expr"]:
                empty.append(panel["title"])
    must(not empty, f"dashboard: every panel of the workers shows something {empty or ''}".strip())


def not_run(what: str) -> None:
    print(f"     not run: {what}", flush=True)


if __name__ == "__main__":
    main()
