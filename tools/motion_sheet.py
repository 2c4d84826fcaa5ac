"""Draw motions as a contact sheet, each from the front, from the side and its way from above.

    python tools/motion_sheet.py --data build/motions.npz --out docs/data.png
    python tools/motion_sheet.py --data build/motions.npz --out sheet.png NAME NAME ...
    python tools/motion_sheet.py --bundle weights/starter --out docs/prompts.png [PROMPT ...]
    python tools/motion_sheet.py --bundle weights/starter --loops --out docs/manual/three_loops.png

Of a data set without names ten clips are drawn, one of each of ten contents, styles in turn; of a
bundle without prompts the twelve below with seed 0; with --loops two rounds of a walk, a run and an
idle loop, the second begins at the middle body, and how sharp the seam is. --hidden puts numbers
instead of texts. What a picture shows is written in _render/motion_lanes.py.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from _dev.program import run  # noqa: E402
from _render.motion_lanes import Lane, draw  # noqa: E402

from mmm_blender.common.errors import MMMError  # noqa: E402
from mmm_blender.geometry.clip import MotionClip  # noqa: E402
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, MotionPipeline  # noqa: E402
from mmm_blender.training.data.captions import caption  # noqa: E402
from mmm_blender.training.data.dataset import kind_of  # noqa: E402
from mmm_blender.training.data.motion_file import ClipRecord, load_motions  # noqa: E402

CLIPS = 10
KINDS = (
    *("walk", "run", "walk-turn-left", "walk-back", "raise-up-left-hand", "wave-both-hands"),
    *("bow", "salsa dance", "climb ladder", "forward jump"),
)
"""What is drawn where no clip is named: ways to go, gestures of one side, and CMU's own."""


PROMPTS = (
    *("someone strolls", "he greets with his left hand", "jogging", "an old lady walks"),
    *("backing off slowly", "a girl turns to her right as she goes", "taking a bow"),
    *("both arms go up in joy", "he lifts the right hand", "an exhausted man plods along"),
    *("a hop forward", "she dances"),
)
"""Asked of a bundle where nothing else is: hardly any of these are captions."""

PROMPT_SECONDS = 4.0

LOOPS = ("a person walks forward", "a person runs forward", "a person stands still")
ROUND_SECONDS, ROUNDS = 2.0, 2


def chosen(records: Sequence[ClipRecord], names: Sequence[str], seed: int) -> list[int]:
    """Rows of the named clips, or of one clip of each kind."""
    if names:
        rows = {record.name: row for row, record in enumerate(records)}
        if missing := [name for name in names if name not in rows]:
            like = records[0].name
            raise MMMError(f"The data set has no clip {missing[0]}: names look like {like}.")
        return [rows[name] for name in names]
    rng, found, styles = random.Random(seed), list[int](), set[str]()
    for kind in KINDS:
        rows = [row for row, record in enumerate(records) if kind_of(record) == kind]
        fresh = [row for row in rows if records[row].style not in styles] or rows
        if fresh:
            found.append(rng.choice(fresh))
            styles.add(records[found[-1]].style)
    return found[:CLIPS]


def data_lanes(options: argparse.Namespace) -> list[Lane]:
    """Clips of a data set, each with one of its captions."""
    records, clips = load_motions(options.data)
    lanes: list[Lane] = []
    for row in chosen(records, options.texts, options.seed):
        sentence = caption(records[row], random.Random(options.seed))
        lanes.append(Lane.of(f"{records[row].name}:  “{sentence}”", clips[row]))
    return lanes


def prompt_lanes(options: argparse.Namespace) -> list[Lane]:
    """What a bundle makes of prompts."""
    generator = MotionPipeline.load(options.bundle)
    prompts = options.texts or PROMPTS
    requests = [GenerateRequest(prompt, PROMPT_SECONDS, options.seed) for prompt in prompts]
    made = [generator.generate(request).clip for request in requests]
    return [Lane.of(f"“{prompt}”", clip) for prompt, clip in zip(prompts, made, strict=True)]


def loop_lanes(options: argparse.Namespace) -> list[Lane]:
    """Rounds of what a bundle makes of prompts that are to go round."""
    generator = MotionPipeline.load(options.bundle)
    lanes: list[Lane] = []
    for prompt in options.texts or LOOPS:
        request = GenerateRequest(prompt, ROUND_SECONDS, options.seed, loop=True)
        made = generator.generate(request)
        assert made.seam is not None
        title = f"“{prompt}”, {ROUNDS} rounds; jerk at the seam {made.seam:.2f} of that inside"
        lanes.append(Lane.of(title, in_rounds(made.clip, ROUNDS)))
    return lanes


def in_rounds(closed: MotionClip, rounds: int) -> MotionClip:
    """A loop played so many times. closed: a round, and the first frame of the next."""
    step_3 = closed.root_T3[-1] - closed.root_T3[0]
    turns = [closed.rotations_TJ4[:-1]] * rounds
    places = [closed.root_T3[:-1] + number * step_3 for number in range(rounds)]
    return closed.replace(rotations_TJ4=np.concatenate(turns), root_T3=np.concatenate(places))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("texts", nargs="*", help="names of clips, or prompts")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="file of prepare_motions.py")
    source.add_argument("--bundle", type=Path, help="weights to ask")
    parser.add_argument("--out", type=Path, required=True, help="the .png to write")
    parser.add_argument("--seed", type=int, default=0, help="of the choice, or of the motions")
    parser.add_argument("--loops", action="store_true", help="of a bundle: motions that go round")
    parser.add_argument("--hidden", action="store_true", help="numbers instead of texts")
    options = parser.parse_args()
    asked = loop_lanes if options.loops else prompt_lanes
    lanes = data_lanes(options) if options.data else asked(options)
    if options.hidden:
        lanes = [replace(lane, title=f"{number}") for number, lane in enumerate(lanes, start=1)]
    draw(options.out, lanes)
    return 0


if __name__ == "__main__":
    run(main)
