"""Goals of the field's part of a report: the field's tables, tokenizer, what the eye sees, edits,
seams, copying, speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..data.dataset import UNSEEN_STYLES, UNSEEN_TAKES
from .edit_suite import CAPTURED_MIDDLES
from .editing_figures import (
    EDITS,
    FID_SLERP,
    IN_BETWEEN,
    IN_BETWEEN_MOVING,
    RATIO,
    SEAM_RATIO,
)
from .editing_figures import FID as EDIT_FID
from .field_table import FID, MODALITY, R3
from .goals import NOT_MEASURED, Goal, ratio
from .metrics import R_BATCH
from .motion_figures import CONTACT, JERK, SLIDE
from .suite import (
    GENERATED,
    REAL,
    REAL_SHUFFLED,
    RECONSTRUCTED,
    SHUFFLED,
    TWO_THREADS,
    WITH_CLAIM,
)

Report = Mapping[str, Any]

CHANCE = 3 / R_BATCH
MOST_TIMES_REAL = {
    RECONSTRUCTED: {UNSEEN_TAKES: 2.0, UNSEEN_STYLES: 2.0},
    GENERATED: {UNSEEN_TAKES: 3.0, UNSEEN_STYLES: 8.0},
}
LEAST_R3 = {UNSEEN_TAKES: 0.9, UNSEEN_STYLES: 0.75}
MODALITY_BOUNDS = (0.8, 1.25)
MOST_ERRORS = {UNSEEN_TAKES: (12.0, 2.5), UNSEEN_STYLES: (15.0, 4.5)}
JOINT_ERROR, ROTATION_ERROR = "joint error, mm", "rotation error, degrees"
DIRECTIONS = (
    "goes forward",
    "goes backward",
    "turns left",
    "turns right",
    "left hand up",
    "right hand up",
    "both hands up",
)
TOKENIZER_CMU = "tokenizer, CMU alone"
"""Part of a set's report."""
CMU_TAKES = "cmu"
"""How takes of CMU are named."""
VIEWINGS, VIEWED = "viewings", "twelve prompts in other words, first choice by eye"
"""Part of the report: how many of twelve each viewer recognised; and its goal."""

_MOST_CMU = 40.0
_MOST_BETWEEN = {"moving clips": (IN_BETWEEN_MOVING, 0.33), "all": (IN_BETWEEN, 0.5)}
_MOST_SEAMS, _MOST_SECONDS = 1.2, 0.25
_LEAST_VIEWED, _LEAST_COPYING = 10, 0.8


def mending_goals(report: Report) -> list[Goal]:
    """In-betweening against slerp, and the seams of long sequences."""
    edits, long = report.get("editing", {}), report.get("long sequences", {})
    goals: list[Goal] = []
    for name, (row, most) in _MOST_BETWEEN.items():
        shown = edits.get(row, {})
        value = shown.get(RATIO, NOT_MEASURED)
        beside = f"FID {shown[EDIT_FID]:.4f}, slerp {shown[FID_SLERP]:.4f}" if shown else ""
        if EDITS in shown:
            beside += f", {shown[EDITS]:.0f} edits"
        goals.append(Goal(f"in-betweening FID against slerp: {name}", value, None, most, beside))
    made = next((row for name, row in long.items() if name != CAPTURED_MIDDLES), {})
    real = long.get(CAPTURED_MIDDLES)
    beside = f"captured clips at their middles {real[SEAM_RATIO]:.2f}" if real else ""
    value = made.get(SEAM_RATIO, NOT_MEASURED)
    return [
        *goals,
        Goal("long sequences: jerk at seams / inside", value, None, _MOST_SEAMS, beside),
    ]


def judge_goals(report: Report) -> list[Goal]:
    """Of the evaluator itself."""
    table = report["sets"][UNSEEN_TAKES]["rows"]
    shuffled = table[REAL_SHUFFLED][R3].mean
    return [
        Goal(f"evaluator: R@3 of real motion, {UNSEEN_TAKES}", table[REAL][R3].mean, least=0.8),
        Goal(
            "evaluator: shuffled text, distance from chance",
            abs(shuffled - CHANCE),
            most=0.03,
            beside=f"chance {CHANCE:.3f}",
        ),
    ]


def table_goals(report: Report) -> list[Goal]:
    """Of the field's tables, each beside real motion."""
    return [
        goal
        for name, part in report["sets"].items()
        if GENERATED in part["rows"]
        for goal in (*_fid_goals(name, part), *_text_goals(name, part["rows"]))
    ]


def _fid_goals(name: str, part: Report) -> list[Goal]:
    halves = part["real half to half"].mean
    goals: list[Goal] = []
    for row, most in MOST_TIMES_REAL.items():
        fid = part["rows"][row][FID].mean
        detail = f"{row} {fid:.4f}, real half to half {halves:.4f}"
        goals.append(
            Goal(f"FID {row} / real, {name}", ratio(fid, halves), None, most[name], detail)
        )
    return goals


def _text_goals(name: str, rows: Report) -> list[Goal]:
    real, made = rows[REAL], rows[GENERATED]
    chance = abs(rows[SHUFFLED][R3].mean - CHANCE)
    goals = [
        _against_real(f"R@3 generated / real, {name}", R3, made, real, (LEAST_R3[name], None)),
        Goal(f"generated, shuffled text, from chance, {name}", chance, most=0.03),
    ]
    if MODALITY in real and MODALITY in made:
        title = f"MultiModality generated / real, {name}"
        goals.append(_against_real(title, MODALITY, made, real, MODALITY_BOUNDS))
    return goals


def _against_real(
    title: str, figure: str, made: Report, real: Report, bounds: tuple[float, float | None]
) -> Goal:
    pair = made[figure].mean, real[figure].mean
    return Goal(title, ratio(*pair), *bounds, "generated {:.3f}, real {:.3f}".format(*pair))


def tokenizer_goals(report: Report) -> list[Goal]:
    """How well the tokenizer keeps motion."""
    goals: list[Goal] = []
    for name, part in report["sets"].items():
        figures = part.get("tokenizer", {})
        for figure, most in zip((JOINT_ERROR, ROTATION_ERROR), MOST_ERRORS[name], strict=True):
            value = figures.get(figure, NOT_MEASURED)
            drift = figures.get("root drift over 5 s, cm", NOT_MEASURED)
            beside = f"root drift over 5 s {drift:.1f} cm"
            goals.append(Goal(f"tokenizer: {figure}, {name}", value, most=most, beside=beside))
        if alone := part.get(TOKENIZER_CMU):
            value = alone[JOINT_ERROR]
            goals.append(Goal(f"tokenizer: {JOINT_ERROR}, CMU takes alone", value, most=_MOST_CMU))
    return goals


def eye_goals(report: Report) -> list[Goal]:
    """What the eye sees of generated motion, beside real motion."""
    figures = report["sets"][UNSEEN_TAKES].get("motion", {})
    made, real = figures.get(GENERATED, {}), figures.get(REAL, {})
    goals: list[Goal] = []
    for name, least, most in ((SLIDE, None, 1.2), (JERK, 0.8, 1.2), (CONTACT, 0.9, 1.1)):
        value = ratio(made.get(name, NOT_MEASURED), real.get(name, 0))
        detail = f"generated {made.get(name, NOT_MEASURED):.3g}, real {real.get(name, 0):.3g}"
        goals.append(Goal(f"{name}, generated / real", value, least, most, detail))
    return goals


def viewing_goal(report: Report) -> Goal:
    """What people tell of twelve motions without their texts: the mean of the viewings."""
    right: list[int] = report.get(VIEWINGS, [])
    value = sum(right) / len(right) if right else NOT_MEASURED
    beside = f"{len(right)} viewings: {', '.join(map(str, right))} of 12" if right else ""
    return Goal(VIEWED, value, least=_LEAST_VIEWED, beside=beside)


def other_goals(report: Report) -> list[Goal]:
    """Copying and speed."""
    copying, speed = report.get("copying", {}), report.get("seconds for the longest clip", {})
    apart = "generated {:.1f} mm, real {:.1f} mm"
    claimed = f"where the prompt claims {speed[WITH_CLAIM]:.2f}" if WITH_CLAIM in speed else ""
    return [
        Goal(
            "distance to training, generated / real",
            copying.get("ratio", NOT_MEASURED),
            least=_LEAST_COPYING,
            beside=apart.format(copying[GENERATED], copying[REAL]) if copying else "",
        ),
        Goal(
            "seconds for 196 frames, 2 threads",
            speed.get(TWO_THREADS, NOT_MEASURED),
            most=_MOST_SECONDS,
            beside=claimed,
        ),
    ]


def direction_goal(report: Report) -> Goal:
    """Of the seven kinds of prompts that version 0.1.0 was judged by."""
    prompts = report.get("prompts", {})
    shown = [prompts[name] for name in DIRECTIONS if name in prompts]
    obeyed = sum(shown) / len(shown) if shown else NOT_MEASURED
    worst = min(DIRECTIONS, key=lambda name: prompts.get(name, 1.0))
    beside = f"worst: {worst} {prompts[worst]:.2f}" if shown else ""
    return Goal("directions obeyed", obeyed, least=0.95, beside=beside)
