"""Figures in docs/scale.md: a table for people, and the numbers that it comes from below it."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- figures: python tools/measure_scale.py -->", "<!-- end of figures -->"
_NUMBERS = re.compile(r"<!-- numbers\n(.*?)\n-->", re.DOTALL)
_MACHINES = ((1, 2), (1, 64), (10, 64), (100, 64))
_WANTED = ((10**6, "a million"), (10**9, "a billion"))
_HOUR = 3600.0

Figures = dict[str, dict[str, Any]]
Runs = Sequence[Mapping[str, float]]


def read_figures(path: Path) -> Figures:
    """The numbers that the page has; {} where it has none."""
    found = _NUMBERS.search(path.read_text(encoding="utf-8"))
    return json.loads(found[1]) if found else {}


def write_figures(path: Path, figures: Figures) -> None:
    """Put the figures between the marks of the page."""
    head, rest = path.read_text(encoding="utf-8").split(_BEGIN)
    tail = rest.split(_END)[1]
    parts = [SECTIONS[name](figures[name]) for name in SECTIONS if name in figures]
    if "throughput" in figures:
        parts.append(_extrapolated(figures["throughput"]["runs"]))
    numbers = f"<!-- numbers\n{json.dumps(figures)}\n-->"
    body = "\n\n".join([_BEGIN, *parts, numbers, _END])
    path.write_text(head + body + tail, encoding="utf-8", newline="\n")


def _where(part: Mapping[str, Any]) -> str:
    machine = part["machine"]
    return f"{machine['cores']} cores, {machine['system']}, load {machine['load']} before it began"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rate(runs: Runs, actors: int) -> float:
    """Median clips a second of so many actors."""
    return statistics.median(
        run["clips"] / run["seconds"] for run in runs if run["actors"] == actors
    )


def cost(runs: Runs, actors: int) -> float:
    """Median CPU seconds a clip of so many actors."""
    return statistics.median(run["cpu_seconds"] for run in runs if run["actors"] == actors)


def _throughput(part: Mapping[str, Any]) -> str:
    runs: Runs = part["runs"]
    one, two = rate(runs, 1), rate(runs, 2)
    pairs = zip(runs[::2], runs[1::2], strict=True)
    ratios = [(b["clips"] / b["seconds"]) / (a["clips"] / a["seconds"]) for a, b in pairs]
    rows = [
        ("clips a second, one actor", f"{one:.2f}"),
        ("clips a second, two actors", f"{two:.2f}"),
        (f"two against one, of {len(ratios)} pairs in turns", _spread(ratios)),
        ("two against one by CPU seconds a clip", f"{2 * cost(runs, 1) / cost(runs, 2):.2f}"),
        ("CPU seconds a clip, one actor", f"{cost(runs, 1):.3f}"),
        ("CPU seconds a clip, two actors", f"{cost(runs, 2):.3f}"),
        ("bytes a clip, Parquet", f"{statistics.median(run['file_bytes'] for run in runs):.0f}"),
    ]
    title = (
        f"**Throughput and cost**: clips of 4 s, starter weights, a thread each; {_where(part)}."
    )
    return f"{title}\n\n{_table(('figure', 'measured'), rows)}"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _scheduler(part: Mapping[str, Any]) -> str:
    rows = [
        (
            f"{run['actors']:,.0f}",
            f"{run['ms_per_clip']:.3f}",
            f"{1000 * run['driver_cpu'] / run['rows']:.3f}",
            f"{run['rows'] / run['seconds']:,.0f}",
            f"{100 * busy['share']:.0f} % of {10 * busy['actors']:,.0f}",
        )
        for run, busy in zip(part["runs"], part["busy"], strict=True)
    ]
    head = (
        *("actors", "ms a clip", "driver's CPU ms a clip", "clips/s at most"),
        "of the clips/s of actors that take 0.1 s a clip",
    )
    count = part["runs"][0]["rows"]
    title = (
        f"**Scheduler**: {count:,} rows in shards of 16 and actors that make nothing, and (last "
        f"column) shards of 128 and actors that wait 0.1 s for each clip; {_where(part)}."
    )
    return f"{title}\n\n{_table(head, rows)}"


def _memory(part: Mapping[str, Any]) -> str:
    rows = [(f"{run['rows']:,}", f"{run['peak_mb']:.0f}") for run in part["runs"]]
    title = f"**Memory of the driver**: ten actors that make nothing; {_where(part)}."
    return f"{title}\n\n{_table(('rows', 'most that it held, MiB'), rows)}"


def _filters(part: Mapping[str, Any]) -> str:
    rows = [
        ("likeness to the own prompt", *map(str, part["own"])),
        ("likeness to a prompt of another kind", *map(str, part["other"])),
        ("foot slide, cm/s", *map(str, part["slide"])),
    ]
    title = f"**Filters**: {part['clips']} clips of the starter weights, for prompts of 11 kinds."
    table = _table(("figure", "5th percentile", "median", "95th percentile"), rows)
    return f"{title}\n\n{table}\n\nOther tokens where ten clips share a batch: {part['differ']}."


def _extrapolated(runs: Runs) -> str:
    """From the CPU seconds of a clip: no machine of these was there."""
    one = 1 / cost(runs, 2)
    size = statistics.median(run["file_bytes"] for run in runs)
    rows: list[tuple[str, ...]] = []
    for count, words in _WANTED:
        hours = [count / (one * machines * cores) / _HOUR for machines, cores in _MACHINES]
        rows.append((words, *(_time(each) for each in hours), f"{count * size / 1e9:,.0f} GB"))
    head = ("clips", *(f"{m} x {c} cores" for m, c in _MACHINES), "on disk")
    title = (
        f"**Extrapolated** from {1 / one:.3f} CPU seconds a clip (two actors at once), each core "
        "wholly an actor's and as fast as these; no such cluster was there:"
    )
    return f"{title}\n\n{_table(head, rows)}"


def _time(hours: float) -> str:
    if hours < 1:
        return f"{60 * hours:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:,.0f} days"


SECTIONS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "throughput": _throughput,
    "scheduler": _scheduler,
    "memory": _memory,
    "filters": _filters,
}
