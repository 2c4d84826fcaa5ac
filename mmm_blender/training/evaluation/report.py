"""The report of tools/evaluate.py: its tables, and the goals beside what was reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..data.dataset import UNSEEN_STYLES, UNSEEN_TAKES
from .editing_figures import RATIO, RATIO_MOVING
from .field_table import COLUMNS, FID, MODALITY, R3
from .goal_suite import ARRIVALS, LED, PATHS, goal_goals
from .goals import HEADER, NOT_MEASURED, Goal, markdown, ratio
from .metrics import R_BATCH
from .motion_figures import CONTACT, FIGURES, JERK, SLIDE
from .sentence_report import sentence_goals, sentence_tables
from .suite import GENERATED, REAL, REAL_SHUFFLED, RECONSTRUCTED, SHUFFLED

Report = Mapping[str, Any]

CHANCE = 3 / R_BATCH
MOST_TIMES_REAL = {RECONSTRUCTED: 2.0, GENERATED: 4.0}
LEAST_R3 = {UNSEEN_TAKES: 0.9, UNSEEN_STYLES: 0.75}
MOST_ERRORS = {UNSEEN_TAKES: (12.0, 2.5), UNSEEN_STYLES: (25.0, 6.0)}
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
IN_BETWEEN = "in-between: the middle half"
TOKENIZER_CMU = "tokenizer, CMU alone"
"""Part of a set's report."""
CMU_TAKES = "cmu"
"""How takes of CMU are named."""
_MOST_CMU = 40.0


def field_table(rows: Report, halves: object) -> str:
    """The field's table of one set."""
    cells = [
        [name, *(str(row.get(column, "")) for column in COLUMNS)] for name, row in rows.items()
    ]
    for row in cells:
        if row[0] == REAL:
            row[1 + COLUMNS.index(FID)] = f"{halves} (half to half)"
    return markdown(["", *COLUMNS], cells)


def figure_table(rows: Mapping[str, Mapping[str, float]], columns: Sequence[str]) -> str:
    """A table of plain figures."""
    cells = [
        [name, *(f"{row[column]:.3g}" if column in row else "" for column in columns)]
        for name, row in rows.items()
    ]
    return markdown(["", *columns], cells)


def goals_of(report: Report) -> list[Goal]:
    """All goals; what was not measured says so."""
    if UNSEEN_TAKES not in report["sets"]:
        return [*sentence_goals(report), *goal_goals(report)]
    return [
        *_judge_goals(report),
        *_field_goals(report),
        *_tokenizer_goals(report),
        *_eye_goals(report),
        *_other_goals(report),
        *sentence_goals(report),
        *goal_goals(report),
    ]


def _judge_goals(report: Report) -> list[Goal]:
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


def _field_goals(report: Report) -> list[Goal]:
    goals: list[Goal] = []
    for name, part in report["sets"].items():
        rows, halves = part["rows"], part["real half to half"].mean
        if GENERATED not in rows:
            continue
        real, made = rows[REAL][R3].mean, rows[GENERATED][R3].mean
        detail = f"generated {made:.3f}, real {real:.3f}"
        goals.append(
            Goal(f"R@3 generated / real, {name}", ratio(made, real), LEAST_R3[name], None, detail)
        )
        chance = abs(rows[SHUFFLED][R3].mean - CHANCE)
        goals.append(Goal(f"generated, shuffled text, from chance, {name}", chance, most=0.03))
        for row, most in MOST_TIMES_REAL.items():
            fid = rows[row][FID].mean
            detail = f"{row} {fid:.4f}, real half to half {halves:.4f}"
            goals.append(
                Goal(f"FID {row} / real, {name}", ratio(fid, halves), most=most, beside=detail)
            )
        if MODALITY in rows[REAL]:
            varied = ratio(rows[GENERATED][MODALITY].mean, rows[REAL][MODALITY].mean)
            goals.append(Goal(f"MultiModality generated / real, {name}", varied, 0.7, 1.3))
    return goals


def _tokenizer_goals(report: Report) -> list[Goal]:
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


def _eye_goals(report: Report) -> list[Goal]:
    figures = report["sets"][UNSEEN_TAKES].get("motion", {})
    made, real = figures.get(GENERATED, {}), figures.get(REAL, {})
    goals: list[Goal] = []
    for name, least, most in ((SLIDE, None, 1.2), (JERK, 0.8, 1.2), (CONTACT, 0.9, 1.1)):
        value = ratio(made.get(name, NOT_MEASURED), real.get(name, 0))
        detail = f"generated {made.get(name, NOT_MEASURED):.3g}, real {real.get(name, 0):.3g}"
        goals.append(Goal(f"{name}, generated / real", value, least, most, detail))
    return goals


def _other_goals(report: Report) -> list[Goal]:
    edits, copying = report.get("editing", {}), report.get("copying", {})
    prompts, speed = report.get("prompts", {}), report.get("seconds for the longest clip", {})
    shown = [prompts[name] for name in DIRECTIONS if name in prompts]
    obeyed = sum(shown) / len(shown) if shown else NOT_MEASURED
    worst = min(DIRECTIONS, key=lambda name: prompts.get(name, 1.0))
    return [
        Goal(
            "in-betweening FID / slerp's, masked frames",
            edits.get(IN_BETWEEN, {}).get(RATIO, NOT_MEASURED),
            most=0.5,
        ),
        Goal(
            "in-betweening FID / slerp's, moving clips alone",
            edits.get(IN_BETWEEN, {}).get(RATIO_MOVING, NOT_MEASURED),
            most=0.33,
        ),
        Goal("distance to training, generated / real", copying.get("ratio", NOT_MEASURED), 0.8),
        Goal(
            "directions obeyed",
            obeyed,
            least=0.95,
            beside=f"worst: {worst} {prompts.get(worst, NOT_MEASURED):.2f}",
        ),
        Goal("twelve prompts in other words, seen by eye", NOT_MEASURED, least=10),
        Goal("seconds for 196 frames, 2 threads", speed.get("2 threads", NOT_MEASURED), most=0.6),
    ]


BEFORE = "before"
"""Part of the report: what other weights reached, by the goals' names."""


def goal_table(report: Report) -> str:
    """Every goal with what was reached, and what other weights reached where that is known."""
    goals = goals_of(report)
    before: Mapping[str, float] = report.get(BEFORE, {})
    if not before:
        return markdown(HEADER, [goal.row for goal in goals])
    rows = [
        [*goal.row[:2], f"{before[goal.name]:.3g}" if goal.name in before else "", *goal.row[2:]]
        for goal in goals
    ]
    return markdown((*HEADER[:2], BEFORE, *HEADER[2:]), rows)


def reached(report: Report) -> dict[str, float]:
    """What a report has for each goal that it measured."""
    return {goal.name: goal.value for goal in goals_of(report) if not math.isnan(goal.value)}


def folder_report(report: Report) -> str:
    """The table of a HumanML3D or KIT-ML folder."""
    left_out = ", ".join(f"{count} {reason}" for reason, count in report["left out"].items())
    detail = f"{report['motions']} motions, judged by the field's own evaluator. Left out: "
    table = field_table(report["rows"], report["real half to half"])
    return f"{detail}{left_out or 'nothing'}.\n\n{table}"


def _few_labels(name: str, labels: int) -> str:
    if name != UNSEEN_TAKES:
        return f"Batches of {R_BATCH} labels are filled up from {UNSEEN_TAKES}."
    return f"R-precision is among {labels} labels, not {R_BATCH}: chance is {3 / labels:.2f}."


def markdown_report(report: Report) -> str:
    """All tables."""
    parts = [
        f"Bundle `{report['bundle']}`, judged by our own evaluator `{report['evaluator'][:12]}` "
        "(frozen, never trained on held-out clips). Means over 20 repetitions with 95 % "
        "intervals. Windows of one clip may overlap."
    ]
    for name, part in report["sets"].items():
        words = f"{part['windows']} windows of {part['clips']} clips, {part['labels']} labels"
        parts += [f"### {name.capitalize()}: {words}"]
        if part["labels"] < R_BATCH:
            parts += [_few_labels(name, part["labels"])]
        parts += [field_table(part["rows"], part["real half to half"])]
        parts += [figure_table(part["motion"], FIGURES)]
        if "tokenizer" in part:
            rows = {row: part[row] for row in ("tokenizer", TOKENIZER_CMU) if row in part}
            parts += [figure_table(rows, list(part["tokenizer"]))]
    for name in ("editing", "long sequences", ARRIVALS, PATHS, LED):
        if report.get(name):
            columns = list(next(iter(report[name].values())))
            parts += [f"### {name.capitalize()}", figure_table(report[name], columns)]
    for name in ("prompts", "copying", "seconds for the longest clip"):
        if report.get(name):
            rows = [[key, f"{value:.3g}"] for key, value in report[name].items()]
            parts += [f"### {name.capitalize()}", markdown(["", ""], rows)]
    parts += sentence_tables(report)
    parts += ["### Goals", goal_table(report)]
    return "\n\n".join(parts)
