"""One small language model distilled into a smaller one, by four divergences: what each student covers.

    python examples/distill.py --out distill.svg

The teacher, a recurrent network (GRU) over characters, learns the licence of this repository by heart; the students are
too small for that. All start from one that has read the text for a while, and are then trained to the teacher's
distribution of the next character: by `losses.forward`, KL(teacher‖student), which asks for mass wherever the teacher
has it; by `losses.reverse`, KL(student‖teacher), which asks for none where the teacher has none; and by
`losses.jensen_shannon` and `losses.between(0.5)`, which lie between.

Missed is the teacher's mass on characters to which the student gives less than a tenth of what the teacher does, wasted
the student's mass where the teacher gives less than a tenth of what the student does; averaged over places in the text.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import torch
from kullback import losses
from kullback.plots import _file, _ink

TEXT = Path(__file__).parents[1] / "LICENSE"
LENGTH, BATCH = 24, 64
TENTH = 0.1
LOSSES: dict[str, Callable[..., Any]] = {
    "forward": losses.forward,
    "between(0.5)": partial(losses.between, 0.5),
    "Jensen–Shannon": losses.jensen_shannon,
    "reverse": losses.reverse,
}


class Model(torch.nn.Module):
    def __init__(self, characters: int, width: int) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(characters, min(width, 32))
        self.recur = torch.nn.GRU(min(width, 32), width, batch_first=True)
        self.head = torch.nn.Linear(width, characters)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        return self.head(self.recur(self.embed(text))[0])


class Row(NamedTuple):
    forward: float
    reverse: float
    jensen_shannon: float
    entropy: float  # of the student's next character
    missed: float
    wasted: float
    agree: float  # share of places where the likeliest character is the same


class Found(NamedTuple):
    teacher: float  # the entropy of its next character
    text: float  # its cross-entropy of the text itself
    rows: dict[str, Row]
    places: dict[str, np.ndarray]  # (missed, wasted) at each place
    shown: tuple[str, list[str], dict[str, np.ndarray]]  # a place in the text, characters, their probabilities


def read() -> tuple[torch.Tensor, list[str]]:
    words = " ".join(TEXT.read_text(encoding="utf-8").split())
    characters = sorted(set(words))
    return torch.tensor([characters.index(c) for c in words]), characters


def batch(text: torch.Tensor, made: torch.Generator, rows: int = BATCH) -> torch.Tensor:
    start = torch.randint(len(text) - LENGTH, (rows, 1), generator=made)
    return text[start + torch.arange(LENGTH)]


def train(
    model: Model, loss: Callable[[torch.Tensor], torch.Tensor], text: torch.Tensor, steps: int, seed: int
) -> Model:
    made = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    fall = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.02, steps)
    for _ in range(steps):
        adam.zero_grad()
        loss(batch(text, made)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        fall.step()
    return model.eval()


def next_character(model: Model, rows: torch.Tensor) -> torch.Tensor:
    """The usual loss of a language model; up to the text's entropy, KL(text‖model)."""
    logits = model(rows[:, :-1])
    return torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), rows[:, 1:].reshape(-1))


def distilled(loss: Callable[..., Any], teacher: Model, student: Model, rows: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        target = teacher(rows)
    return loss(p_logits=target, q_logits=student(rows), reduction="mean")


def run(wide: int, narrow: int, steps: int, seed: int) -> Found:
    text, characters = read()
    torch.manual_seed(seed)
    teacher = Model(len(characters), wide)
    train(teacher, partial(next_character, teacher), text, steps, seed)
    first = Model(len(characters), narrow)
    train(first, partial(next_character, first), text, steps // 2, seed)
    students = {}
    for name, loss in LOSSES.items():
        student = Model(len(characters), narrow)
        student.load_state_dict(first.state_dict())
        students[name] = train(student, partial(distilled, loss, teacher, student), text, steps, seed)
    rows = batch(text, torch.Generator().manual_seed(seed + 1), 128)
    with torch.no_grad():
        p = teacher(rows)
        asked = {name: student(rows) for name, student in students.items()}
        cost = float(next_character(teacher, rows))
    found, places = {}, {}
    for name, q in asked.items():
        places[name] = covered(p, q)
        found[name] = summary(p, q, places[name])
    entropy = measured(p, p).entropy_p
    return Found(float(entropy.mean()), cost, found, places, shown(rows, characters, p, asked))


def covered(p_logits: torch.Tensor, q_logits: torch.Tensor) -> np.ndarray:
    """What the student misses and wastes, at each place."""
    p, q = p_logits.softmax(-1), q_logits.softmax(-1)
    missed, wasted = (p * (q < TENTH * p)).sum(-1), (q * (p < TENTH * q)).sum(-1)
    return torch.stack([missed, wasted], -1).reshape(-1, 2).numpy()


def measured(p: torch.Tensor, q: torch.Tensor) -> losses.Measured:
    return losses.measure(p_logits=p.numpy(), q_logits=q.numpy())


def summary(p: torch.Tensor, q: torch.Tensor, places: np.ndarray) -> Row:
    m = measured(p, q)
    mean = [float(x.mean()) for x in (m.forward, m.reverse, m.jensen_shannon, m.entropy_q)]
    return Row(*mean, *(float(x) for x in places.mean(0)), float(m.same_top.mean()))


def shown(rows: torch.Tensor, characters: list[str], p: torch.Tensor, asked: dict[str, torch.Tensor]) -> Any:
    """Where the reverse student misses most of what the forward one does not, if the teacher doubts there."""
    missed = {name: covered(p, asked[name])[:, 0].reshape(rows.shape) for name in ("forward", "reverse")}
    doubt = measured(p, p).entropy_p
    apart = np.where(doubt > 2 * doubt.mean(), missed["reverse"] - missed["forward"], 0.0)[:, 15:]
    row, place = divmod(int(apart.argmax()), apart.shape[1])
    place += 15
    q = {"teacher": p, **asked}
    probabilities = {name: x[row, place].softmax(-1).numpy() for name, x in q.items()}
    order = np.argsort(-probabilities["teacher"])[:8]
    before = "".join(characters[c] for c in rows[row, place - 15 : place + 1])
    return before, [characters[c] for c in order], {name: x[order] for name, x in probabilities.items()}


def told(found: Found) -> str:
    lines = [f"Teacher: entropy {found.teacher:.3f} nats a character, cross-entropy of the text {found.text:.3f}", ""]
    heads = ("forward", "reverse", "JS", "entropy", "missed", "wasted", "same top")
    lines.append(f"{'student by':16}" + "".join(f"{head:>10}" for head in heads))
    for name, r in found.rows.items():
        cells = (f"{r.forward:.4f}", f"{r.reverse:.4f}", f"{r.jensen_shannon:.4f}", f"{r.entropy:.3f}")
        shares = (f"{100 * x:.2f} %" for x in (r.missed, r.wasted, r.agree))
        lines.append(f"{name:16}" + "".join(f"{c:>10}" for c in (*cells, *shares)))
    before, characters, probabilities = found.shown
    lines += [
        "",
        f"Where reverse misses most beside forward, after {before!r}:",
        f"{'':16}" + "".join(f"{c!r:>7}" for c in characters),
    ]
    lines += [f"{name:16}" + "".join(f"{x:7.3f}" for x in q) for name, q in probabilities.items()]
    return "\n".join(lines)


COLOURS = {
    "forward": _ink.FORWARD,
    "between(0.5)": _ink.BETWEEN,
    "Jensen–Shannon": _ink.OTHER,
    "reverse": _ink.REVERSE,
}


def draw(found: Found, path: Path) -> None:
    with _ink.style():
        page = _ink.Page(10.4, 4.2)
        page.header(
            "A teacher of characters, and four students too small for it",
            "one student by each divergence from the teacher, from the same start and on the same text",
            0.72,
        )
        _shown(page.axes("shown", 0.72, 0.7, 5.2, 2.35), found)
        _covers(page.axes("covers", 6.95, 0.7, 2.9, 2.35), found)
        _file.write(page.figure, path, path.suffix)


def _shown(axes: Any, found: Found) -> None:
    """The next character at one place: the teacher grey, and the two ends."""
    before, characters, q = found.shown
    x = np.arange(len(characters))
    axes.bar(x, q["teacher"], 0.84, color=_ink.TARGET)
    for shift, name in ((-0.2, "forward"), (0.2, "reverse")):
        axes.bar(x + shift, q[name], 0.34, color=COLOURS[name])
    axes.set_title(f"where reverse misses most beside forward: after “{before}”", loc="left", color=_ink.QUIET, pad=8)
    axes.set_xticks(x, ["space" if c == " " else c for c in characters])
    axes.tick_params(axis="x", length=0, labelsize=9.5)
    axes.set_xlabel("next character, by the teacher’s order")
    axes.set_ylabel("probability")
    for k, (name, colour) in enumerate((("teacher", _ink.QUIET), ("forward", _ink.FORWARD), ("reverse", _ink.REVERSE))):
        axes.text(0.99, 0.95 - 0.09 * k, name, transform=axes.transAxes, color=colour, ha="right", va="center")


def _covers(axes: Any, found: Found) -> None:
    """Missed against wasted, averaged over the text."""
    for name, r in found.rows.items():
        axes.plot(100 * r.wasted, 100 * r.missed, "o", color=COLOURS[name], markersize=8)
        x, y, side = (8, 5, "left") if name != "Jensen–Shannon" else (-8, -11, "right")
        at = (100 * r.wasted, 100 * r.missed)
        axes.annotate(name, at, (x, y), textcoords="offset points", color=COLOURS[name], size=8.8, ha=side)
    axes.set_title("of all places: missed and wasted", loc="left", color=_ink.QUIET, pad=8)
    axes.set_xlabel("wasted: student’s mass off the teacher, %")
    axes.set_ylabel("missed: teacher’s mass, %")
    axes.set_xlim(0, 135 * max(r.wasted for r in found.rows.values()))
    axes.set_ylim(0, 120 * max(r.missed for r in found.rows.values()))


def main(arguments: list[str] | None = None) -> Found:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("distill.svg"), help="the picture: .svg, .png or .pdf")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="smaller and shorter, for the tests")
    options = parser.parse_args(arguments)
    found = run(*((32, 8, 60) if options.small else (96, 16, 600)), options.seed)
    print(told(found))
    draw(found, options.out)
    return found


if __name__ == "__main__":
    main()
