"""Fresh processes: what an import, ten numbers and a whole fit cost, beside NumPy and SciPy."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

ROUNDS = 7
TEN = "import numpy as np; p = np.arange(1, 11) / 55.0; q = p[::-1].copy(); "
FIT = "kl.fit('0.5*normal(0, 1) + 0.5*normal(5, 1)', 'normal', direction='reverse')"

CODES = {
    "an empty process": "",
    "import numpy": "import numpy",
    "import kullback": "import kullback",
    "ten numbers, kullback": TEN + "import kullback as kl; kl.divergence(p, q)",
    "ten numbers, scipy.stats.entropy": TEN + "from scipy.stats import entropy; entropy(p, q)",
    "one-dimensional reverse fit and its report": f"import kullback as kl; print({FIT})",
}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in CODES}
    for _ in range(ROUNDS + 1):  # in turn, so that a slow spell of the machine meets all; the first round warms
        for name, code in CODES.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    table = Table("fresh process", "minimum, ms", "median, ms", title="Starting from nothing", title_justify="left")
    for name, seconds in times.items():
        fresh = seconds[1:]
        table.add_row(name, f"{1e3 * min(fresh):.0f}", f"{1e3 * statistics.median(fresh):.0f}")
    least, most = warm()
    table.add_row("the same fit, warm", f"{1e3 * least:.1f}", f"{1e3 * most:.1f}")
    console = Console()
    console.print(table)
    empty = min(times["an empty process"][1:])
    ours, theirs = (min(times[f"ten numbers, {name}"][1:]) - empty for name in ("kullback", "scipy.stats.entropy"))
    console.print(f"ten numbers: scipy.stats.entropy takes {theirs / ours:.1f} times as long, imports included")


def warm() -> tuple[float, float]:
    import kullback as kl

    seconds = []
    for _ in range(12):
        start = time.perf_counter()
        repr(kl.fit("0.5*normal(0, 1) + 0.5*normal(5, 1)", "normal", direction="reverse"))
        seconds.append(time.perf_counter() - start)
    return min(seconds[2:]), statistics.median(seconds[2:])
