"""Draw edits inside captured walks, and motions on paths, before and after: do the feet stay?

    python tools/before_after.py --data build/motions.npz --walks out/walks.npz
    python tools/before_after.py --data build/motions.npz --bundle weights/starter \\
        --before out/before.npz --edits docs/edits.png --paths docs/paths.png

The first command writes five held-out walks with their captions for other code to edit;
docs/training.md says how version 0.1.0 does. The second edits the same frames of them, and draws
both. What a picture shows is written in _render/foot_traces.py.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402
from _render.foot_traces import Panel, draw_panels  # noqa: E402

from mmm_blender.geometry.clip import MotionClip  # noqa: E402
from mmm_blender.geometry.editing.edit_mask import span_mask  # noqa: E402
from mmm_blender.geometry.ground_path import GroundPath  # noqa: E402
from mmm_blender.motion.pipeline.candidates import still_frames  # noqa: E402
from mmm_blender.motion.pipeline.pipeline import (  # noqa: E402
    EditRequest,
    GenerateRequest,
    MotionPipeline,
)
from mmm_blender.training.data.captions import caption  # noqa: E402
from mmm_blender.training.data.dataset import TRAIN, kind_of, split_of  # noqa: E402
from mmm_blender.training.data.motion_file import load_motions  # noqa: E402

KINDS = ("walk", "walk-turn-left", "walk-turn-right", "run", "walk-back")
FRAMES, START, STOP = 80, 20, 60
PATH_PROMPT = "a person walks forward"
_ANGLES = np.linspace(0.0, np.pi / 2, 15)
PATHS = {
    "a bend": GroundPath.of([(2.5 - 2.5 * np.cos(a), 2.5 * np.sin(a)) for a in _ANGLES]),
    "an S": GroundPath.of([(0.6 * np.sin(1.4 * z), z) for z in np.linspace(0.0, 4.5, 20)]),
    "a corner": GroundPath.of(
        [(0.0, 0.0), *((0.8 - 0.8 * np.cos(a), 1.6 + 0.8 * np.sin(a)) for a in _ANGLES), (2.8, 2.4)]
    ),
}


@dataclass(frozen=True, eq=False)
class Walk:
    """A captured motion and a sentence of it."""

    text: str
    clip: MotionClip


def held_out_walks(path: Path) -> list[Walk]:
    """The first held-out clip of each kind that is long enough."""
    records, clips = load_motions(path)
    found: dict[str, Walk] = {}
    for record, clip in zip(records, clips, strict=True):
        kind = kind_of(record)
        fits = kind in KINDS and kind not in found and clip.frames >= FRAMES
        if fits and split_of(record) != TRAIN:
            text = caption(record, random.Random(0))
            found[kind] = Walk(text, clip.slice(0, FRAMES))
    return [found[kind] for kind in KINDS if kind in found]


def write_walks(path: Path, walks: list[Walk]) -> None:
    """For other code: rotations (N, T, 22, 4), root (N, T, 3), texts (N,)."""
    np.savez(
        path,
        rotations=np.stack([walk.clip.rotations_TJ4 for walk in walks]),
        root=np.stack([walk.clip.root_T3 for walk in walks]),
        texts=np.array([walk.text for walk in walks]),
    )


def panel(title: str, clip: MotionClip, span: tuple[int, int], way: GroundPath | None) -> Panel:
    """A motion, with how many frames of the span lack a still foot."""
    restless = int((~still_frames(clip))[slice(*span)].sum())
    words = f"{title}\nno still foot: {restless} of {span[1] - span[0]} frames"
    return Panel(words, clip, span, None if way is None else way.points_N2)


def edit_rows(walks: list[Walk], before: Path, pipeline: MotionPipeline) -> list[list[Panel]]:
    """Each walk as captured, as it was edited before, and now."""
    with np.load(before) as old:
        pairs = list(zip(old["rotations"], old["root"], strict=True))
    rows: list[list[Panel]] = []
    for seed, (walk, (rotations, root)) in enumerate(zip(walks, pairs, strict=True)):
        mask = span_mask(FRAMES, START, STOP, "all")
        made = pipeline.edit(EditRequest(walk.clip, mask, walk.text, seed)).clip
        shown = (("captured", walk.clip), ("0.1.0", MotionClip(rotations, root)), ("now", made))
        span = (START, STOP)
        rows.append([panel(f"{name}: {walk.text}", clip, span, None) for name, clip in shown])
    return rows


def path_rows(pipeline: MotionPipeline) -> list[list[Panel]]:
    """Each path without being followed, which is all that version 0.1.0 did, and followed."""
    rows: list[list[Panel]] = []
    for seed, (name, path) in enumerate(PATHS.items()):
        seconds = round(path.length / 1.15, 1)
        asked = GenerateRequest(PATH_PROMPT, seconds, seed)
        free = pipeline.generate(asked).clip
        led = pipeline.generate(GenerateRequest(PATH_PROMPT, seconds, seed, path=path)).clip
        shown = (("without the path", free), ("on the path", led))
        rows.append([panel(f"{name}, {word}", c, (0, c.frames), path) for word, c in shown])
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument("--walks", type=Path, help="write the walks here, and nothing else")
    parser.add_argument("--bundle", type=Path, default=ROOT / "weights" / "starter")
    parser.add_argument("--before", type=Path, help="the walks as other code edited them")
    parser.add_argument("--edits", type=Path, help="the .png of the edits")
    parser.add_argument("--paths", type=Path, help="the .png of the paths")
    options = parser.parse_args()
    walks = held_out_walks(options.data)
    if options.walks:
        write_walks(options.walks, walks)
        return 0
    pipeline = MotionPipeline.load(options.bundle)
    if options.edits and options.before:
        draw_panels(options.edits, edit_rows(walks, options.before, pipeline))
    if options.paths:
        draw_panels(options.paths, path_rows(pipeline))
    return 0


if __name__ == "__main__":
    run(main)
