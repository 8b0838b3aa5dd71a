"""Draw the picture of the page on training losses: python docs/losses.py OUTDIR."""

from __future__ import annotations

import sys
from pathlib import Path

from kullback.plots import _file, _ink

# copies of the logits beyond the inputs, as `python -m benchmarks losses` found them for 2,048 × 32,000 float32
MEMORY = [
    ("generalised JSD, as TRL writes it", 13.0, _ink.BARS),
    ("F.kl_div", 5.0, _ink.BARS),
    ("losses.forward", 1.0, _ink.FORWARD),
    ("losses.reverse", 1.0, _ink.REVERSE),
    ("losses.forward, overwrite=True", 0.0, _ink.FORWARD),
    ("from hidden states: two matmuls, F.kl_div", 7.0, _ink.BARS),
    ("from hidden states: losses.Head", 0.5, _ink.FORWARD),
]


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with _ink.style():
        page = _ink.Page(8.6, 3.6)
        page.header(
            "What the loss needs beside its inputs", "copies of the logits, float32, peak of forward and backward", 0.3
        )
        axes = page.axes("memory", 3.6, 0.4, 4.6, 2.3)
        for row, (name, copies, colour) in enumerate(MEMORY):
            axes.barh(-row, copies, 0.62, color=colour)
            axes.text(copies + 0.12, -row, f"{copies:g}", va="center", size=8.8, color=_ink.QUIET)
            axes.text(-0.15, -row, name, va="center", ha="right", size=8.8, color=_ink.TEXT)
        axes.set_xlim(0, 14)
        axes.set_yticks([])
        path = out / "losses-memory.svg"
        _file.write(page.figure, path, path.suffix)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
