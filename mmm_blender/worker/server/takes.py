"""Several motions for one request, with its seed and the next ones.

N further takes, T frames, J joints, 3 xyz, 4 quaternion w first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...common.errors import MMMError
from ...motion.pipeline.candidates import EDIT_CANDIDATES
from ...motion.pipeline.pipeline import MotionPipeline
from ...motion.pipeline.previews import Previews
from ...motion.pipeline.windows import IsCancelled, OnStep
from ..protocol import MOST_TAKES, Edit, Generate, Generated, GenerateSequence, MotionMessage
from .handlers import Motion, make_batch, make_motion

_SEEDS = 2**31
"""Seeds of a panel; after the last comes 0."""


def make_takes(
    generator: MotionPipeline,
    message: MotionMessage,
    on_step: OnStep,
    cancelled: IsCancelled,
    previews: Previews | None = None,
) -> list[Motion]:
    """As many motions as the message wants; MMMError or Cancelled as the generator raises them.

    New motions of a prompt alone are made in one batch; all others one after the other, and share
    the tries that one of them would have.
    """
    if not 1 <= message.takes <= MOST_TAKES:
        raise MMMError(f"{message.takes} takes cannot be made: ask for 1 to {MOST_TAKES}.")
    messages = [_seeded(message, index) for index in range(message.takes)]
    first = messages[0]
    if len(messages) > 1 and isinstance(first, Generate) and _plain(first):
        wanted = [each for each in messages if isinstance(each, Generate)]
        return make_batch(generator, wanted, on_step, cancelled, previews)
    made: list[Motion] = []
    for index, each in enumerate(messages):
        if made and previews is not None and previews.enough():
            break  # whoever keeps what is there waits for no further takes
        part, asked = _share(on_step, index, len(messages)), _as_long_as(each, made)
        made.append(make_motion(generator, asked, part, cancelled, previews))
    return made


def _seeded(message: MotionMessage, index: int) -> MotionMessage:
    """The request of one take. Tokens that are given make the same motion again."""
    if isinstance(message, GenerateSequence):
        seeds = tuple((seed + index) % _SEEDS if index else seed for seed in message.seeds)
        return replace(message, seeds=seeds, takes=1)
    seed = (message.seed + index) % _SEEDS if index else message.seed
    return replace(message, seed=seed, takes=1, sampler=_shared_tries(message))


def _as_long_as(message: MotionMessage, made: Sequence[Motion]) -> MotionMessage:
    """The request, of the length of what is made where it has none of its own: along a path at its
    own pace. All takes of a press last as long as the first."""
    if made and isinstance(message, Generate) and message.seconds == 0.0:
        return replace(message, seconds=made[0].clip.seconds)
    return message


def _plain(message: Generate) -> bool:
    """A prompt alone, with nothing to meet."""
    return not message.conditions and not message.loop


def _shared_tries(message: Generate | Edit) -> dict[str, Any] | None:
    """The sampler's changes: several takes share the tries that one take has, for the person is
    to choose among them."""
    if message.takes == 1 or (isinstance(message, Generate) and _plain(message)):
        return message.sampler
    tries = {"candidates": max(1, EDIT_CANDIDATES // message.takes)}
    return tries | (message.sampler or {})


def _share(on_step: OnStep, index: int, count: int) -> OnStep:
    """Progress of one take as progress of all."""

    def report(step: int, steps: int) -> None:
        on_step(index * steps + step, count * steps)

    return report


def generated(job: int, takes: Sequence[Motion], recipes: Sequence[dict[str, Any]]) -> Generated:
    """The answer. recipes: of each take."""
    first, rest = takes[0], takes[1:]
    answer = Generated(
        job,
        first.clip.rotations_TJ4,
        first.clip.root_T3,
        first.clip.fps,
        first.clip.twist_estimated,
        first.tokens_LP,
        recipes[0],
        first.notes,
        first.ground_move,
    )
    if not rest:
        return answer
    return replace(
        answer,
        more_rotations_NTJ4=np.stack([each.clip.rotations_TJ4 for each in rest]),
        more_roots_NT3=np.stack([each.clip.root_T3 for each in rest]),
        more={
            "recipes": list(recipes[1:]),
            "notes": [list(each.notes) for each in rest],
            "ground_moves": [list(each.ground_move) for each in rest],
        },
    )
