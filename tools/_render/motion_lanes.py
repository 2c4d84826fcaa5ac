"""Motions as rows of a picture: stick figures from the front and the side, the way from above.

Orange is the left side of the body, blue the right. The front view turns with nobody: it faces the
first frame's heading throughout, and the side view looks at its left. In the way from above the
first frame faces up; a ring is the start, an arrow shows where the body faces.
T moments or frames, J joints.
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
from matplotlib.patches import Circle
from PIL import Image

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.placement import Placement, headings, place
from mmm_blender.geometry.skeleton import SMPL_22, joint_index

MOMENTS = 9  # bodies a view
SPACING = 1.15  # metres between two bodies
FAR = 0.3  # metres gone from which distances are written
VIEW_GAP = 0.5  # metres between the views
PLAN = 2.0  # metres of picture that a way seen from above may take, shrunk where it is longer
ARROW, RING = 0.4, 0.07  # metres of picture
FLOOR, HEAD_ROOM = 0.5, 0.45  # metres of a lane below the floor and above the highest joint
TALL = 2.2  # metres above the floor at least
METRE_INCHES, DOTS = 0.36, 200
COLOURS = 32  # of the picture's palette: a small file
WIDTH = 2 * MOMENTS * SPACING + PLAN + 3 * VIEW_GAP  # metres
BODY, LEFT, RIGHT = "#555555", "#d9730d", "#1f6fb4"
ARROW_STYLE = {"arrowstyle": "-|>", "color": BODY, "lw": 0.7, "mutation_scale": 7.0}


def limbs() -> tuple[list[tuple[int, int]], list[str]]:
    """Bones as pairs of joints, and their colours."""
    bones = [(joint, parent) for joint, parent in enumerate(SMPL_22.parents) if parent >= 0]
    sides = [SMPL_22.names[joint].split("_")[0] for joint, _ in bones]
    return bones, [{"left": LEFT, "right": RIGHT}.get(side, BODY) for side in sides]


def draw_view(axes: Axes, joints_TJ3: FloatArray, across: FloatArray, start: float) -> None:
    """Bodies side by side, seen along a level direction. across: (3,), what is right in the
    picture; start: metres from the left edge."""
    bones, colours = limbs()
    for moment, joints_J3 in enumerate(joints_TJ3):
        flat = np.stack([(joints_J3 - joints_J3[0]) @ across, joints_J3[:, 1]], axis=-1)
        flat[:, 0] += start + moment * SPACING
        lines = [flat[[joint, parent]] for joint, parent in bones]
        axes.add_collection(LineCollection(lines, colors=colours, linewidths=1.6, capstyle="round"))
        head = flat[joint_index("head")] + [0.0, 0.09]
        axes.add_patch(Circle((head[0], head[1]), 0.1, color=BODY, linewidth=0))


@dataclass(frozen=True, eq=False)
class Lane:
    """A clip at some moments. joints_TJ3: the first body at the origin, facing +Z. way_T2: the
    whole clip's pelvis over the ground, left and forward. facing_T2: of each moment, the same way.
    top: metres."""

    title: str
    joints_TJ3: FloatArray
    way_T2: FloatArray
    facing_T2: FloatArray
    times: tuple[str, ...]
    top: float

    @classmethod
    def of(cls, title: str, clip: MotionClip) -> Lane:
        """What is drawn of a clip."""
        clip = place(clip, Placement())
        frames = np.linspace(0, clip.frames - 1, MOMENTS).round().astype(int)
        joints = clip_joints(clip)[frames]
        gone = np.hypot(clip.root_T3[frames, 0], clip.root_T3[frames, 2])
        times = [
            f"{frame / clip.fps:.1f} s" + (f"\n{metres:.1f} m" if gone.max() > FAR else "")
            for frame, metres in zip(frames, gone, strict=True)
        ]
        turns = headings(clip)[frames]
        facing = np.stack([np.sin(turns), np.cos(turns)], axis=-1)
        top = max(TALL, joints[..., 1].max() + HEAD_ROOM)
        return cls(title, joints, clip.root_T3[:, [0, 2]], facing, tuple(times), top)

    @property
    def height(self) -> float:
        """Metres of picture."""
        return self.top + FLOOR


def draw_way(axes: Axes, lane: Lane, left: float) -> None:
    """The pelvis' way seen from above, and where the body faces at each moment. left: metres."""
    size = np.ptp(lane.way_T2, axis=0)
    scale = min(1.0, PLAN / max(size.max(), 1e-6))
    middle = (lane.way_T2.max(axis=0) + lane.way_T2.min(axis=0)) / 2
    centre = np.array([left + PLAN / 2, PLAN / 2 + RING * 2])
    to_the_left = np.array([-1.0, 1.0])  # seen from above the body's left (+X) is left

    def seen(way: FloatArray) -> FloatArray:
        return centre + (way - middle) * to_the_left * scale

    way = seen(lane.way_T2)
    moments = way[np.linspace(0, len(way) - 1, MOMENTS).round().astype(int)]
    axes.plot(way[:, 0], way[:, 1], color="#999999", linewidth=0.8, zorder=1)
    for place_2, facing_2 in zip(moments, lane.facing_T2 * to_the_left * ARROW, strict=True):
        tip = place_2 + facing_2
        axes.annotate("", tip, place_2, arrowprops=ARROW_STYLE, annotation_clip=False)
    axes.add_patch(Circle((way[0, 0], way[0, 1]), RING, fill=False, color=BODY, linewidth=0.8))
    scale_text = "from above" if scale == 1.0 else f"from above, {size.max():.1f} m across"
    axes.text(centre[0], -0.08, scale_text, size=5, ha="center", va="top", color="#444444")


def draw_lane(axes: Axes, lane: Lane) -> None:
    """One clip: title, front view, side view, times, its way from above."""
    joints = lane.joints_TJ3
    side = MOMENTS * SPACING + VIEW_GAP
    # facing the camera, the body's left (+X) is right in the picture; seen from its left side
    # it faces the left of the picture, so forward (+Z) is left there
    draw_view(axes, joints, np.array([1.0, 0.0, 0.0]), SPACING / 2)
    draw_view(axes, joints, np.array([0.0, 0.0, -1.0]), side + SPACING / 2)
    right = side + MOMENTS * SPACING
    axes.plot([0, right], [0, 0], color="#bbbbbb", linewidth=0.6, zorder=0)
    draw_way(axes, lane, right + VIEW_GAP)
    for moment, text in enumerate(lane.times):
        x = (moment + 0.5) * SPACING
        axes.text(x, -0.08, text, size=5, ha="center", va="top", color="#444444", linespacing=1.0)
    axes.text(0, lane.top - 0.25, lane.title, size=6.5)
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(-FLOOR, lane.top)
    axes.set_aspect("equal")
    axes.axis("off")


def draw(path: Path, lanes: Sequence[Lane]) -> None:
    """Write the PNG, small: a palette of few colours."""
    mpl.use("Agg")
    heights = [lane.height for lane in lanes]
    figure, places = pyplot.subplots(
        len(lanes),
        1,
        figsize=(METRE_INCHES * WIDTH, METRE_INCHES * sum(heights)),
        height_ratios=heights,
        squeeze=False,
    )
    figure.subplots_adjust(0.0, 0.0, 1.0, 1.0, hspace=0.0)
    for axes, lane in zip(places[:, 0], lanes, strict=True):
        draw_lane(axes, lane)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=DOTS)
    pyplot.close(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(picture).convert("RGB").quantize(COLOURS).save(path, optimize=True)
