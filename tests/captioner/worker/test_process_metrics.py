from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from captioner import metrics
from captioner.demo.livekit_server import free_port
from captioner.errors import ConfigurationError
from captioner.worker import process_metrics

BOT = """
import sys
from pathlib import Path
from captioner import metrics
from captioner.worker import process_metrics
metrics.PACKETS.inc(int(sys.argv[2]))
process_metrics.answer(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def bot(folder: Path, packets: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", BOT, str(folder), str(packets)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def packets(texts: dict[str, str]) -> dict[str, float]:
    return {
        sample.labels["process"]: sample.value
        for family in metrics.Processes(lambda: texts).collect()
        for sample in family.samples
        if sample.name == "captioner_packets_total"
    }


def test_what_every_bot_counted_is_told_by_process_wherever_the_folder_is(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30) / "metrics"
    with bot(folder, 20) as one, bot(folder, 30) as two:
        texts = process_metrics.ask(folder, {"bot-0": one.pid, "bot-1": two.pid})
        assert packets(texts) == {"bot-0": 20, "bot-1": 30}
        assert folder.stat().st_mode & 0o077 == 0
        one.send_signal(signal.SIGSTOP)
        texts = process_metrics.ask(folder, {"bot-0": one.pid, "bot-1": two.pid})
        assert packets(texts) == {"bot-1": 30}
    assert process_metrics.ask(folder, {"bot-0": one.pid}) == {}
    assert list(folder.iterdir()) == []


def test_the_page_has_each_family_once_and_no_label_but_the_process() -> None:
    own = metrics.exposition().decode()
    port = free_port()
    metrics.serve(port, host="127.0.0.1", texts=lambda: {"worker": own, "bot-0": own})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    kinds = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(kinds) == len(set(kinds))
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    ours = [one for one in samples if one.name.startswith("captioner_")]
    assert {one.labels["process"] for one in ours} == {"worker", "bot-0"}
    assert {name for one in ours for name in one.labels} == {"process", "le"}
    assert not any(one.name.endswith("_created") for one in samples)


def test_metrics_are_told_where_it_was_said_and_nowhere_else() -> None:
    port = free_port()
    metrics.serve(port, host="127.0.0.1")
    listening = [
        one.laddr.ip for one in psutil.Process(os.getpid()).net_connections()
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    ]  # fmt: skip
    assert listening == ["127.0.0.1"]
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}.*CAPTIONER_METRICS_PORT"):
        metrics.serve(port, host="127.0.0.1")


def test_a_file_of_that_name_that_is_no_socket_hurts_nothing(tmp_path: Path) -> None:
    (tmp_path / str(os.getpid())).write_text("left over")
    process_metrics.answer(tmp_path)
    assert "captioner_packets" in process_metrics.ask(tmp_path, {"own": os.getpid()})["own"]
