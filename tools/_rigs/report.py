"""Figures as the table of docs/rigs.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .evaluation import Figures

BEGIN, END = "<!-- rigs: begin -->", "<!-- rigs: end -->"


def table(figures: Figures) -> str:
    """Goal and measured value of every figure."""
    directions = np.concatenate([each.ravel() for each in figures.directions])
    places = np.concatenate([each.ravel() for each in figures.places])
    floors = np.concatenate([each.ravel() for each in figures.floors])
    rotations = np.concatenate([each.ravel() for each in figures.rotations])
    rig_slide, clip_slide = np.sum(figures.slides, axis=0)
    whole = sum("22 of 22" in label for label in figures.recognised.values())
    rows = [
        ("direction of limbs, median; worst, degrees", "0.5; 3",
         f"{np.median(directions):.2f}; {directions.max():.2f}"),
        ("wrist, ankle, head, scaled to the rig, median, cm", "2",
         f"{np.median(places) * 100:.2f}"),
        ("slide of standing toes, times the clip's", "1.2", f"{rig_slide / clip_slide:.2f}"),
        ("height of standing toes over their own soles beside the clip's, median; 95 %, cm", "1",
         f"{np.median(floors) * 100:.2f}; {np.percentile(floors, 95) * 100:.2f}"),
        ("clip to rig to clip, rotations, median; 95 %, degrees", "0.5",
         f"{np.median(rotations):.3f}; {np.percentile(rotations, 95):.2f}"),
        (f"keys outside the mask that changed, {figures.edits} random edits", "0",
         str(figures.changed)),
        ("conventions recognised with all 22 joints", "all",
         f"{whole} of {len(figures.recognised)}"),
        ("unknown rigs proposed right, with sides in their names; without", "9 of 10",
         "; ".join(_share(figures.unknown[sided]) for sided in (True, False))),
        ("600 frames onto a rig, CPU seconds (keyframe_insert)", "0.1",
         f"{min(figures.seconds):.2f} ({figures.inserts[0]:.1f})"),
        ("Rigify: deform bones in IK and FK apart, worst, mm", "2",
         f"{max(figures.ik_fk) * 1000:.1f}"),
    ]  # fmt: skip
    lines = ["| | goal | measured |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {name} | {goal} | {value} |" for name, goal, value in rows])


def _share(right: Mapping[str, bool]) -> str:
    return f"{sum(right.values())} of {len(right)}"


def write_table(document: Path, text: str) -> None:
    """Put the table between its two marks."""
    content = document.read_text(encoding="utf-8")
    before, rest = content.split(BEGIN)
    _, after = rest.split(END)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
