"""The figures file of a bundle, ``figures.json``: what the tables of its card are made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ...common.atomic_files import make_folder, write_files
from ...common.errors import MMMError
from .metrics import Interval
from .report import markdown_report

FIGURES_FILE = "figures.json"
BUNDLE_HASH, QUICK = "bundle hash", "quick"

BEGIN, END = "<!-- figures.json: begin -->", "<!-- figures.json: end -->"
"""Around a card's tables."""

_HALVES = "real half to half"


def plain(value: Any) -> Any:
    """A report as JSON holds it: intervals become [mean, half]."""
    if isinstance(value, Mapping):
        rows = cast("Mapping[object, Any]", value)
        return {str(name): plain(part) for name, part in rows.items()}
    if isinstance(value, Interval):
        return [_short(value.mean), _short(value.half)]
    return _short(value) if isinstance(value, float) else value


def _short(value: float) -> float:
    """More digits than any table shows."""
    return float(f"{value:.8g}")


def write_figures(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report, whole or not at all."""
    make_folder(path.parent)
    write_files({path: (json.dumps(plain(report), indent=1) + "\n").encode()})


def read_figures(path: Path) -> dict[str, Any]:
    """A report as it was before it was written. MMMError where it cannot be read."""
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MMMError(f"{path} holds no figures ({error}): make it with evaluate.py.") from error
    for part in report.get("sets", {}).values():
        part[_HALVES] = Interval(*part[_HALVES])
        part["rows"] = {
            row: {name: Interval(*figure) for name, figure in figures.items()}
            for row, figures in part["rows"].items()
        }
    return report


def joined(path: Path, report: Mapping[str, Any]) -> dict[str, Any]:
    """A report with what an earlier one of the same bundle measured besides."""
    if not path.is_file():
        return dict(report)
    before = read_figures(path)
    if before.get(BUNDLE_HASH) != report[BUNDLE_HASH] or before.get(QUICK) != report[QUICK]:
        raise MMMError(f"{path} holds the figures of other weights: choose another file.")
    kept = {name: part for name, part in before.items() if part}
    return kept | {name: part for name, part in report.items() if part or name not in kept}


def card_with_figures(card: str, report: Mapping[str, Any]) -> str:
    """The card with its tables made again from the figures; MMMError where it has no place for
    them."""
    if report.get(QUICK):
        raise MMMError("These figures are of a quick run, which judges few clips: run it in full.")
    start, end = card.find(BEGIN), card.find(END)
    if start < 0 or end < start:
        raise MMMError(f"The card has no place for its tables: put {BEGIN} and {END} there.")
    tables = markdown_report(report)
    return f"{card[: start + len(BEGIN)]}\n{tables}\n{card[end:]}"
