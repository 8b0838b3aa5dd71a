"""A standalone Spark of one master and two workers on loopback; one of them is killed during a comparison."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import kullback as kl

PART = """
import json, sys
from pyspark.sql import SparkSession
import kullback as kl
master, p, q, ready = sys.argv[1:]
session = (
    SparkSession.builder.master(master).appName("kullback")
    .config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
    .config("spark.executor.memory", "512m").config("spark.driver.memory", "1g")
    .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "4").getOrCreate()
)
tables = [session.read.parquet(path) for path in (p, q)]
found = kl.compare_tables(*tables, columns=["count"])
open(ready, "w").write("counting")
found = kl.compare_tables(*tables)
counts = {c.column: [c.terms[name].tolist() for name in ("count_p", "count_q")] for c in found.columns}
print("FOUND" + json.dumps(counts))
session.stop()
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def start(folder: Path, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A part of the cluster, in a process group of its own, by PySpark's own spark-class."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    environment |= {"SPARK_WORKER_DIR": str(folder), "SPARK_LOCAL_DIRS": str(folder)}
    with log.open("wb") as out:
        return subprocess.Popen(
            [str(home / "bin" / "spark-class"), *arguments],
            stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
        )  # fmt: skip


def until(log: Path, text: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    waiting = threading.Event()
    while text not in log.read_text(encoding="utf-8", errors="replace"):
        if time.monotonic() > end:
            raise AssertionError(f"no {text!r} in {log}:\n{log.read_text(errors='replace')[-2000:]}")
        waiting.wait(0.2)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    if shutil.which("java") is None:
        pytest.fail("PySpark needs a Java: apt-get install default-jre-headless")
    port = free_port()
    master = f"spark://127.0.0.1:{port}"
    parts: list[subprocess.Popen[bytes]] = []
    try:
        log = tmp_path / "master.log"
        options = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
        parts.append(start(tmp_path, log, "org.apache.spark.deploy.master.Master", *options))
        until(log, "I have been elected leader")
        for i in range(2):
            log = tmp_path / f"worker{i}.log"
            options = ["--host", "127.0.0.1", "--cores", "1", "--memory", "600m", "--webui-port", "0", master]
            parts.append(start(tmp_path / f"work{i}", log, "org.apache.spark.deploy.worker.Worker", *options))
            until(log, "Successfully registered with master")
        yield master, parts[1:]
    finally:
        for part in reversed(parts):
            end(part)


def end(part: subprocess.Popen[bytes]) -> None:
    """The process and the executors that it started."""
    if part.poll() is None:
        os.killpg(part.pid, signal.SIGKILL)
        part.wait()


@pytest.mark.slow
def test_a_worker_killed_during_a_comparison(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], pair: tuple[pl.DataFrame, pl.DataFrame], tmp_path: Path
) -> None:
    master, workers = cluster
    paths = []
    for name, frame in zip("pq", pair, strict=True):
        folder = tmp_path / name
        folder.mkdir()
        for i, part in enumerate(frame.iter_slices(300)):
            part.write_parquet(folder / f"{i}.parquet")
        paths.append(str(folder))
    ready, out = tmp_path / "ready", tmp_path / "out.txt"
    with out.open("wb") as stream:
        run = subprocess.Popen(
            [sys.executable, "-c", PART, master, *paths, str(ready)], stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
        waiting = threading.Event()
        while not ready.exists():
            assert run.poll() is None, out.read_text(errors="replace")[-3000:]
            waiting.wait(0.05)
        waiting.wait(1.0)
        assert run.poll() is None
        end(workers[0])
        assert run.wait(timeout=240) == 0, out.read_text(errors="replace")[-3000:]
    line = next(x for x in out.read_text(encoding="utf-8", errors="replace").splitlines() if x.startswith("FOUND"))
    found = json.loads(line.removeprefix("FOUND"))
    base = kl.compare_tables(*pair)
    assert set(found) == {c.column for c in base.columns}
    for c in base.columns:
        np.testing.assert_array_equal(found[c.column][0], c.terms["count_p"], err_msg=c.column)
        np.testing.assert_array_equal(found[c.column][1], c.terms["count_q"], err_msg=c.column)
