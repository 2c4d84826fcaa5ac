"""Sequences from a pose, from standing, and to standing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.editing.conditions import Ends
from mmm_blender.geometry.editing.edit_mask import span_mask
from mmm_blender.geometry.ground_path import GroundPath
from mmm_blender.geometry.rotations import dot
from mmm_blender.geometry.standing import standing_clip
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.pipeline.pipeline import Cancelled, SequenceRequest, SequenceResult
from mmm_blender.motion.pipeline.sequence_ends import segment_borders_held
from tests.geometry.motions import smooth_clip
from tests.motion.tiny_models import tiny_generator

SAMPLER = SamplerConfig(steps=1)
POSE = smooth_clip(30, seed=5).slice(8, 9)
FROM_POSE = Ends("pose", "free", POSE)
STANDS = Ends("standing", "standing")


def asked(
    ends: Ends, *seconds: float, fps: float = 20.0, path: GroundPath | None = None
) -> SequenceRequest:
    prompts = tuple(f"a person does thing {n}" for n in range(len(seconds)))
    seeds = tuple(range(len(seconds)))
    return SequenceRequest(prompts, seconds, seeds, fps, SAMPLER, path=path, ends=ends)


def made(request: SequenceRequest, kind: str = "two parts") -> SequenceResult:
    return tiny_generator(kind).sequence(request)


def same(a: SequenceResult, b: SequenceResult) -> bool:
    turns = a.clip.rotations_TJ4.tobytes() == b.clip.rotations_TJ4.tobytes()
    return turns and a.clip.root_T3.tobytes() == b.clip.root_T3.tobytes()


@pytest.mark.parametrize("fps", [20.0, 24.0])
@pytest.mark.parametrize("end", ["free", "standing"])
@pytest.mark.parametrize("seconds", [(2.0,), (2.0, 1.5, 1.0)])
def test_a_sequence_starts_from_the_pose_itself_and_replays(
    fps: float, end: str, seconds: tuple[float, ...]
) -> None:
    pose = smooth_clip(30, fps, seed=5).slice(0, 9)
    ends = Ends("pose", end, pose)  # pyright: ignore[reportArgumentType]
    request = asked(ends, *seconds, fps=fps)
    result = made(request)
    assert result.clip.fps == fps
    assert result.clip.frames == round(sum(seconds) * fps)
    assert result.clip.rotations_TJ4[0].tobytes() == pose.rotations_TJ4[-1].tobytes()
    assert result.clip.root_T3[0].tobytes() == pose.root_T3[-1].tobytes()
    assert same(result, made(request))
    again = replace(request, tokens_LP=result.tokens_LP, seeds=tuple(9 for _ in seconds))
    assert same(result, made(again))


def test_a_sequence_stands_at_first_and_at_last() -> None:
    clip = made(asked(STANDS, 2.0, 2.0)).clip
    standing = standing_clip(1, 20.0)
    assert np.array_equal(clip.rotations_TJ4[0], standing.rotations_TJ4[0])
    alike = np.abs(dot(clip.rotations_TJ4[-1, 1:], standing.rotations_TJ4[0, 1:]))
    assert alike.min() > 0.98
    free = made(asked(Ends("free", "standing"), 2.0, 2.0)).clip
    assert np.allclose(free.root_T3[0, [0, 2]], 0.0)


def test_what_the_middle_shows_is_its_prompts_alone() -> None:
    free = made(asked(Ends(), 2.0, 3.0, 2.0))
    ended = made(asked(STANDS, 2.0, 3.0, 2.0))
    inner = free.tokens_LP[12:23]  # of the second segment, 10 to 25, without its seams
    rows = ended.tokens_LP
    found = [at for at in range(len(rows)) if np.array_equal(rows[at : at + len(inner)], inner)]
    assert len(found) == 1


def test_other_ends_give_another_beginning() -> None:
    pose, standing = made(asked(FROM_POSE, 2.0, 2.0)), made(asked(STANDS, 2.0, 2.0))
    assert not np.array_equal(pose.clip.rotations_TJ4[1:20], standing.clip.rotations_TJ4[1:20])
    steps = np.linalg.norm(np.diff(pose.clip.root_T3, axis=0), axis=-1)
    assert steps.max() < 0.3  # led out of the pose, no jump


def test_a_sequence_from_a_pose_takes_a_path() -> None:
    start = POSE.root_T3[-1, [0, 2]]
    path = GroundPath.of(start + np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 3.0]]))
    clip = made(asked(FROM_POSE, 2.0, 3.0, path=path)).clip
    assert clip.rotations_TJ4[0].tobytes() == POSE.rotations_TJ4[-1].tobytes()
    assert np.allclose(clip.root_T3[[0, -1]][:, [0, 2]], path.points_N2[[0, -1]], atol=1e-6)


@pytest.mark.parametrize("kind", ["four parts", "whole", "published", "short"])
def test_every_bundle_that_makes_whole_bodies_takes_ends(kind: str) -> None:
    assert made(asked(Ends("pose", "standing", POSE), 1.5, 1.7, fps=30.0), kind).clip.frames == 96


def test_segments_too_short_to_have_a_place_are_told() -> None:
    config = tiny_generator("two parts").config
    with pytest.raises(MMMError, match="too short for a start"):
        segment_borders_held(span_mask(24, 12, 20, "all"), 20.0, 0.6, [0.2] * 3, config)
    assert made(asked(FROM_POSE, *([0.2] * 6))).clip.frames == 24


def test_progress_rises_and_cancelling_ends_it() -> None:
    told: list[float] = []
    request = asked(Ends("pose", "standing", POSE), *([1.0] * 6))
    tiny_generator("two parts").sequence(request, lambda done, total: told.append(done / total))
    assert told == sorted(told) and told[-1] == 1.0
    with pytest.raises(Cancelled):
        tiny_generator("two parts").sequence(request, cancelled=lambda: True)


def test_who_meets_a_pose_is_tried_again_for_what_is_claimed() -> None:
    request = SequenceRequest(
        ("a person waves with the left hand", "a person walks"),
        (2.0, 2.0),
        (1, 2),
        sampler=SamplerConfig(steps=1, claim_tries=3),
        ends=FROM_POSE,
    )
    notes = made(request).notes  # networks that were never trained wave with no hand
    assert any(note.startswith("Prompt 1:") and "in 6 tries" in note for note in notes)
