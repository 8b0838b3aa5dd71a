"""Tables of PostgreSQL by their URL, on a server of Debian's package that the test starts for itself."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import kullback as kl

pytestmark = pytest.mark.slow


def programs() -> Path:
    """Where the server's programs are: Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    return found[-1].parent


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a database of its own, on a free port, gone with the test."""
    bin_, folder = programs(), Path(tempfile.mkdtemp(prefix="pg-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("root, and no user postgres to run the server as")
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(*arguments: str) -> None:
        subprocess.run([*as_user, *arguments], check=True, capture_output=True, cwd=folder, timeout=120)

    data, log = str(folder / "data"), str(folder / "log")
    run(str(bin_ / "initdb"), "-D", data, "-U", "reader", "--auth=trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(str(bin_ / "pg_ctl"), "-D", data, "-l", log, "-o", options, "-w", "start")
    try:
        yield f"postgresql://reader@127.0.0.1:{port}/postgres"
    finally:
        run(str(bin_ / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    colour = rng.choice(["red", "blue", "NA"], 500)
    return pl.DataFrame({"n": rng.integers(0, 400, 500), "x": rng.normal(size=500), "colour": colour})


@pytest.fixture(scope="module")
def orders(server: str, frame: pl.DataFrame) -> str:
    """The frame as the table analytics.orders, loaded by psql."""
    made = "create schema analytics; create table analytics.orders (n bigint, x double precision, colour text);"
    for extra in ((["-c", made]), (["-c", "\\copy analytics.orders from stdin csv header"])):
        csv = frame.write_csv()
        subprocess.run(["psql", "-q", server, *extra], input=csv.encode(), check=True, capture_output=True, timeout=60)
    return f"{server}?table=analytics.orders"


def test_a_table_of_postgres_counts_as_the_frame(orders: str, frame: pl.DataFrame) -> None:
    pytest.importorskip("psycopg", reason='Ibis needs it: pip install "ibis-framework[postgres]"')
    found = kl.compare_tables(frame, orders)
    assert {c.column: (c.forward.value, c.reverse.value) for c in found.columns} == dict.fromkeys(frame.columns, (0, 0))
    moved = kl.compare_tables(frame.with_columns(pl.col("n") + 300), orders).verdict(0.1)
    assert [j.column for j in moved.failures] == ["n"]
    with pytest.raises(kl.InputError, match="cannot open") as caught:
        kl.compare_tables(frame, orders.replace("orders", "nothing"))
    assert "\n" not in str(caught.value)
