"""The steps of tools/evaluate.py that ask where a motion goes: edits that arrive, and paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tqdm import tqdm

from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask
from ...motion.pipeline.pipeline import EditRequest, EditResult, MotionPipeline
from .arrival_figures import (
    EDITS,
    OVER,
    REMAINDER,
    UNSTILL,
    UNSTILL_RATIO,
    UNSTILL_REAL,
    arrival_figures,
    goes_on,
)
from .goals import NOT_MEASURED, Goal
from .held_out import Window
from .path_figures import (
    BEST,
    HEADING,
    KINDS,
    MADE_OFF,
    ONCE,
    POSITION,
    SLIDE_MADE,
    SLIDE_RATIO,
    SLIDE_REAL,
    WALKS,
    Walk,
    led_figures,
)

ARRIVALS, PATHS = "edits inside locomotion", "paths of held-out walks, before leading"
LED = "led along the paths of held-out walks"
"""Parts of the report."""

WITH_TEXT, WITHOUT_TEXT = "with their caption", "without a text"
ARRIVAL_SEED = 30_000

_MOST_REMAINDER, _MOST_OVER, _MOST_UNSTILL = 0.05, 5.0, 1.15
_MOST_METRES = {name: (8.0 if name == "dense" else 10.0) for name in KINDS}
_MOST_HEADING, _MOST_SLIDE = 8.0, 1.2


def arrival_rows(
    generator: MotionPipeline, windows: Sequence[Window], count: int
) -> dict[str, dict[str, float]]:
    """Remainders and feet of edits inside held-out locomotion, with a text and without."""
    chosen = [window for window in windows if goes_on(window.clip)][:count]
    if not chosen:
        return {}
    with tqdm(total=2 * len(chosen), desc="edits inside locomotion", mininterval=5) as bar:

        def edit(clip: MotionClip, mask: EditMask, prompt: str, seed: int) -> EditResult:
            bar.update()
            return generator.edit(EditRequest(clip, mask, prompt, seed))

        return {
            name: arrival_figures(chosen, edit, ARRIVAL_SEED, with_text)
            for name, with_text in ((WITH_TEXT, True), (WITHOUT_TEXT, False))
        }


def led_rows(generator: MotionPipeline, walks: Sequence[Walk]) -> dict[str, dict[str, float]]:
    """Finished clips on real paths."""
    figures = led_figures(generator, walks)
    return {"dense": figures} if figures else {}


def arrival_goals(report: Mapping[str, Any]) -> list[Goal]:
    """Of edits inside locomotion; what was not measured says so."""
    rows: Mapping[str, Mapping[str, float]] = report.get(ARRIVALS, {})
    return [
        Goal(
            f"{figure}, {name}",
            rows.get(name, {}).get(figure, NOT_MEASURED),
            most=most,
            beside=_arrived(figure, rows[name]) if name in rows else "",
        )
        for name in (WITH_TEXT, WITHOUT_TEXT)
        for figure, most in (
            (REMAINDER, _MOST_REMAINDER),
            (OVER, _MOST_OVER),
            (UNSTILL_RATIO, _MOST_UNSTILL),
        )
    ]


def _arrived(figure: str, row: Mapping[str, float]) -> str:
    """What the figure is read against: captured motion, which has nothing to be led."""
    if figure == UNSTILL_RATIO:
        return f"made {row[UNSTILL]:.3g}%, captured {row[UNSTILL_REAL]:.3g}%"
    return f"{row[EDITS]:.0f} edits, captured 0"


def _unsteered(row: Mapping[str, float]) -> str:
    """What is reached in one go; figures of older runs know the best alone."""
    named = (("one go", ONCE), ("best of 8", BEST))
    return ", ".join(f"{words}: {row[figure]:.3g}" for words, figure in named if figure in row)


def path_goals(report: Mapping[str, Any]) -> list[Goal]:
    """Of paths, before and after leading; what was not measured says so."""
    rows: Mapping[str, Mapping[str, float]] = report.get(PATHS, {})
    dense = rows.get("dense", {})
    walks = f"{dense[WALKS]:.0f} walks" if WALKS in dense else ""
    heading = dense.get(HEADING, NOT_MEASURED)
    return [
        *(
            Goal(
                f"path, {name}: {POSITION}",
                rows.get(name, {}).get(POSITION, NOT_MEASURED),
                most=most,
                beside=_unsteered(rows.get(name, {})),
            )
            for name, most in _MOST_METRES.items()
        ),
        Goal(f"path, dense: {HEADING}", heading, most=_MOST_HEADING, beside=walks),
        _slide_goal(report.get(LED, {}).get("dense", {})),
    ]


def _slide_goal(led: Mapping[str, float]) -> Goal:
    beside = ""
    if led:
        feet = f"generated {led[SLIDE_MADE]:.3g}, real {led[SLIDE_REAL]:.3g} cm/s"
        beside = f"{feet}; led, {led[MADE_OFF]:.3g} cm off"
    value = led.get(SLIDE_RATIO, NOT_MEASURED)
    return Goal("foot slide along paths, generated / real", value, None, _MOST_SLIDE, beside)
