"""The report of tools/evaluate.py: its tables, and the goals beside what was reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..data.dataset import UNSEEN_TAKES
from .before import VERSION_0_1_0
from .field_goals import (
    TOKENIZER_CMU,
    direction_goal,
    eye_goals,
    judge_goals,
    mending_goals,
    other_goals,
    table_goals,
    tokenizer_goals,
    viewing_goal,
)
from .field_table import COLUMNS, FID
from .goal_suite import ARRIVALS, LED, PATHS, arrival_goals, path_goals
from .goals import HEADER, Goal, markdown
from .metrics import R_BATCH
from .motion_figures import FIGURES
from .sentence_report import sentence_goals, sentence_tables
from .suite import REAL

Report = Mapping[str, Any]


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
    field = UNSEEN_TAKES in report["sets"]
    return [
        *arrival_goals(report),
        *(mending_goals(report) if field else ()),
        *path_goals(report),
        *sentence_goals(report),
        *(_field_goals(report) if field else ()),
    ]


def _field_goals(report: Report) -> list[Goal]:
    return [
        *table_goals(report),
        *tokenizer_goals(report),
        viewing_goal(report),
        *other_goals(report),
        *eye_goals(report),
        direction_goal(report),
        *judge_goals(report),
    ]


BEFORE = "before"
"""Part of the report: what other weights reached, by the goals' names."""


def goal_table(report: Report) -> str:
    """Every goal with what was reached, and what other weights reached where that is known: version
    0.1.0's, unless the report has others."""
    others: Mapping[str, float] = report.get(BEFORE, {})
    before = {name: f"{value:.3g}" for name, value in others.items()} or VERSION_0_1_0.shown
    cells = [goal.row for goal in goals_of(report)]
    rows = [[*row[:2], before.get(row[0], ""), *row[2:]] for row in cells]
    table = markdown((*HEADER[:2], BEFORE, *HEADER[2:]), rows)
    return table if others else f"{table}\n\n{VERSION_0_1_0.words}"


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
            columns = list(max(report[name].values(), key=len))
            parts += [f"### {name.capitalize()}", figure_table(report[name], columns)]
    for name in ("prompts", "copying", "seconds for the longest clip"):
        if report.get(name):
            rows = [[key, f"{value:.3g}"] for key, value in report[name].items()]
            parts += [f"### {name.capitalize()}", markdown(["", ""], rows)]
    parts += sentence_tables(report)
    parts += ["### Goals", goal_table(report)]
    return "\n\n".join(parts)
