"""A verdict for machines: JUnit's XML, and GitHub's annotations."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from kullback._format import visible
from kullback._result import Judgement, TableComparison, Verdict

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


def junit(found: TableComparison, verdict: Verdict) -> str:
    """One test case for each thing that was judged."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    counts = f'tests="{len(verdict.judged)}" failures="{len(verdict.failures)}" errors="0" skipped="0"'
    lines.append(f'<testsuites name="kullback" {counts}>')
    lines.append(f"  <testsuite name={_quoted(f'{found.p} and {found.q}')} {counts}>")
    for j in verdict.judged:
        where = "kullback" if j.slice is None else f"kullback.{found.by}={j.slice}"
        head = f"    <testcase classname={_quoted(where)} name={_quoted(j.column)}"
        if j.reason:
            body = f"<failure type={_quoted(j.reason)} message={_quoted(j.text)}>{escape(_clean(j.text))}</failure>"
            lines.append(f"{head}>{body}</testcase>")
        else:
            lines.append(f"{head}/>")
    lines += [f"    <system-out>{escape(_clean(verdict.summary))}</system-out>", "  </testsuite>", "</testsuites>"]
    return "\n".join(lines) + "\n"


def github(found: TableComparison, verdict: Verdict) -> str:
    """An annotation for each failure, the summary first; nothing else, since any line may be read as a command."""
    level = "notice" if verdict.passed else "error"
    first = _command(level, "kullback", visible(f"{verdict.summary} ({found.p} and {found.q})"))
    return "\n".join([first, *(_annotation(j) for j in verdict.failures)]) + "\n"


def _annotation(j: Judgement) -> str:
    return _command("error", f"kullback: {j.name}", f"{j.name}: {visible(j.text)}")


def _command(level: str, title: str, message: str) -> str:
    escaped = _percent(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={escaped}::{_percent(message)}"


def _percent(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _quoted(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
