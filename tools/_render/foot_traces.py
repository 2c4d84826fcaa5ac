"""Motions as their feet go: footprints from above, and bodies from the side.

Above, heels and toes are drawn where they are still, orange left and blue right, so that a step is
a print. The line is the pelvis' way: grey in frames that were kept, black in those that were made,
and red in the made ones in which no foot is still, where the body slides or flies. The dashed line
is a path to follow. Below, bodies seen across the way at equal times.

T frames, J joints.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from PIL import Image

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.feet.contacts import CONTACT_JOINTS, joint_speeds
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.skeleton import joint_index
from mmm_blender.motion.pipeline.candidates import STILL_MPS, still_frames

from .motion_lanes import BODY, COLOURS, LEFT, RIGHT, limbs

SLIDES = "#d0021b"
BODIES = 9
WIDE, ABOVE, BELOW = 4.6, 1.7, 1.1  # inches of a panel
DOTS = 110


@dataclass(frozen=True, eq=False)
class Panel:
    """A motion and what is written over it. span: frames that were made. path_N2: to be followed,
    x and z in metres."""

    title: str
    clip: MotionClip
    span: tuple[int, int]
    path_N2: FloatArray | None = None


def _turned(ground: FloatArray, panel: Panel) -> FloatArray:
    """Ground places (..., 2), so that the way goes to the right of the picture."""
    way = panel.clip.root_T3[-1, [0, 2]] - panel.clip.root_T3[0, [0, 2]]
    if panel.path_N2 is not None:
        way = panel.path_N2[-1] - panel.path_N2[0]
    ahead = way / max(float(np.linalg.norm(way)), 1e-6)
    left = np.array([ahead[1], -ahead[0]])
    off = ground - panel.clip.root_T3[0, [0, 2]]
    return np.stack([off @ ahead, off @ left], axis=-1)


def _draw_above(axes: Axes, panel: Panel, joints_TJ3: FloatArray) -> None:
    start, stop = panel.span
    root = _turned(panel.clip.root_T3[:, [0, 2]], panel)
    axes.plot(*root.T, color="#bbbbbb", linewidth=1.0)
    slides_T = ~still_frames(panel.clip)
    for frame in range(start, min(stop, len(root) - 1)):
        colour = SLIDES if slides_T[frame] else "black"
        axes.plot(*root[frame : frame + 2].T, color=colour, linewidth=1.8)
    if panel.path_N2 is not None:
        axes.plot(*_turned(panel.path_N2, panel).T, "--", color="#2a8f3c", linewidth=1.2)
    feet = joints_TJ3[:, list(CONTACT_JOINTS)]
    still_TK = joint_speeds(feet, panel.clip.fps) < STILL_MPS
    for number in range(len(CONTACT_JOINTS)):
        ground = _turned(feet[still_TK[:, number], number][:, [0, 2]], panel)
        colour = LEFT if number < len(CONTACT_JOINTS) // 2 else RIGHT
        axes.plot(*ground.T, "o", color=colour, markersize=2.6, alpha=0.6, markeredgewidth=0)
    axes.set_aspect("equal", adjustable="datalim")
    axes.axis("off")
    axes.set_title(panel.title, fontsize=6.5, loc="left", pad=2)


def _draw_side(axes: Axes, panel: Panel, joints_TJ3: FloatArray) -> None:
    bones, colours = limbs()
    start, stop = panel.span
    frames = np.linspace(start, stop - 1, BODIES).round().astype(int)
    for moment, frame in enumerate(frames):
        flat = _turned(joints_TJ3[frame][:, [0, 2]], panel)[:, 0]
        flat = flat - flat[joint_index("pelvis")] + moment * 1.05
        body = np.stack([flat, joints_TJ3[frame][:, 1]], axis=-1)
        lines = [body[[joint, parent]] for joint, parent in bones]
        axes.add_collection(LineCollection(lines, colors=colours, linewidths=1.1))
        time = f"{frame / panel.clip.fps:.1f} s"
        axes.text(moment * 1.05, -0.1, time, size=4, ha="center", va="top", color=BODY)
    axes.set_xlim(-0.7, (BODIES - 0.3) * 1.05)
    axes.set_ylim(-0.4, 1.9)
    axes.set_aspect("equal")
    axes.axis("off")


def draw_panels(path: Path, rows: Sequence[Sequence[Panel]]) -> None:
    """Write the PNG, small: a palette of few colours."""
    mpl.use("Agg")
    columns = max(len(row) for row in rows)
    figure, places = pyplot.subplots(
        2 * len(rows),
        columns,
        figsize=(WIDE * columns, (ABOVE + BELOW) * len(rows)),
        height_ratios=[ABOVE, BELOW] * len(rows),
        squeeze=False,
    )
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.97, wspace=0.02, hspace=0.25)
    for at, row in enumerate(rows):
        for column, panel in enumerate(row):
            joints = clip_joints(panel.clip)
            _draw_above(places[2 * at, column], panel, joints)
            _draw_side(places[2 * at + 1, column], panel, joints)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=DOTS)
    pyplot.close(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(picture).convert("RGB").quantize(COLOURS).save(path, optimize=True)
