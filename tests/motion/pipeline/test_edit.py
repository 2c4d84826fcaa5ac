"""A part of a motion is regenerated, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import IntArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import BodyPart, span_mask
from mmm_blender.geometry.editing.mask_infill import fill_masked
from mmm_blender.geometry.feet.contacts import CONTACT_JOINTS
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import dot, normalize
from mmm_blender.geometry.skeleton import SOLE_HEIGHT, UPPER_JOINTS
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.motion_model import MotionModel
from mmm_blender.motion.pipeline import edit as edit_module
from mmm_blender.motion.pipeline import edit_tokens as tokens_module
from mmm_blender.motion.pipeline.decoding import encode_tokens
from mmm_blender.motion.pipeline.pipeline import Cancelled, EditRequest, EditResult
from mmm_blender.motion.pipeline.token_cells import token_cells
from tests.geometry.edit_masks import masks
from tests.geometry.motions import smooth_clip
from tests.motion.tiny_models import tiny_generator

FEW = settings(max_examples=12, deadline=None)
RATES = [20.0, 23.976, 24.0, 30.0, 60.0]
TWO_STEPS = SamplerConfig(steps=2)


def asked(
    frames: int, start: int, stop: int, part: BodyPart = "all", fps: float = 20.0
) -> EditRequest:
    clip = smooth_clip(frames, fps, seed=3)
    mask = span_mask(frames, start, stop, part)
    return EditRequest(clip, mask, "a person waves", seed=4, sampler=TWO_STEPS)


@st.composite
def requests(draw: st.DrawFn) -> EditRequest:
    fps = draw(st.sampled_from(RATES))
    frames = draw(st.integers(2, 90))
    clip = smooth_clip(frames, fps, seed=draw(st.integers(0, 99)))
    return EditRequest(
        clip,
        draw(masks(frames)),
        draw(st.sampled_from(["", "a person waves"])),
        seed=draw(st.integers(0, 2**40)),
        sampler=TWO_STEPS,
        pin_feet=draw(st.booleans()),
        moves_after=draw(st.booleans()),
    )


def assert_kept(result: EditResult, request: EditRequest) -> None:
    """Bit for bit: the sign of a zero counts."""
    mask, clip = request.mask, request.clip
    assert result.clip.frames == clip.frames and result.clip.fps == clip.fps
    kept = clip.rotations_TJ4[~mask.rotations_TJ].tobytes()
    assert result.clip.rotations_TJ4[~mask.rotations_TJ].tobytes() == kept
    assert result.clip.root_T3[~mask.root_T].tobytes() == clip.root_T3[~mask.root_T].tobytes()


def assert_same(first: EditResult, second: EditResult) -> None:
    assert np.array_equal(first.tokens_LP, second.tokens_LP)
    assert first.clip.rotations_TJ4.tobytes() == second.clip.rotations_TJ4.tobytes()
    assert first.clip.root_T3.tobytes() == second.clip.root_T3.tobytes()
    assert first.ground_move == second.ground_move and first.notes == second.notes


@pytest.mark.parametrize("kind", ["two parts", "four parts", "short"])
@FEW
@given(request=requests())
def test_kept_cells_are_kept_bit_for_bit(kind: str, request: EditRequest):
    result = tiny_generator(kind).edit(request)
    assert_kept(result, request)
    norms = np.linalg.norm(result.clip.rotations_TJ4, axis=-1)
    assert np.allclose(norms, 1.0) and np.isfinite(result.clip.root_T3).all()


@FEW
@given(request=requests(), seed=st.integers(0, 2**20))
def test_what_is_masked_is_never_heard_of(request: EditRequest, seed: int):
    generator = tiny_generator("two parts")
    rng = np.random.default_rng(seed)
    mask, clip = request.mask, request.clip
    noise_TJ4 = normalize(rng.normal(size=clip.rotations_TJ4.shape))
    other = clip.replace(
        rotations_TJ4=np.where(mask.rotations_TJ[..., None], noise_TJ4, clip.rotations_TJ4),
        root_T3=np.where(
            mask.root_T[:, None], 9.0 * rng.normal(size=(len(noise_TJ4), 3)), clip.root_T3
        ),
    )
    assert_same(generator.edit(request), generator.edit(replace(request, clip=other)))


@FEW
@given(request=requests())
def test_kept_tokens_are_those_of_what_is_kept(request: EditRequest):
    generator = tiny_generator("two parts")
    config = generator.config.tokenizer
    cells_LP = token_cells(request.mask, request.clip.fps, config)
    filled = fill_masked(request.clip, request.mask)
    floor_3 = np.array([0.0, edit_module.floor_height(filled), 0.0])
    standing = filled.replace(root_T3=filled.root_T3 - floor_3)
    encoded_LP = encode_tokens(generator.model, standing, len(cells_LP))
    result = generator.edit(request)
    assert np.array_equal(result.tokens_LP[~cells_LP], encoded_LP[~cells_LP])


@FEW
@given(request=requests())
def test_equal_requests_and_replays_are_equal(request: EditRequest):
    generator = tiny_generator("two parts")
    first = generator.edit(request)
    assert_same(first, generator.edit(request))
    again = replace(request, tokens_LP=first.tokens_LP, seed=0, prompt="")
    steps: list[int] = []
    assert_same(first, generator.edit(again, lambda done, _total: steps.append(done)))
    assert not steps, "a replay samples nothing"


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 20), (40, 60), (20, 21), (13, 27), (0, 59), (1, 60), (59, 60)]
)
@pytest.mark.parametrize("part", ["all", "upper", "lower"])
def test_a_range_anywhere(start: int, stop: int, part: BodyPart):
    request = asked(60, start, stop, part)
    result = tiny_generator("two parts").edit(request)
    assert_kept(result, request)
    changed_TJ = (result.clip.rotations_TJ4 != request.clip.rotations_TJ4).any(-1)
    joints = list(request.mask.rotations_TJ[start].nonzero()[0])
    assert changed_TJ[start:stop][:, joints].mean() > 0.9


@pytest.mark.parametrize("fps", RATES)
def test_the_motion_leaves_and_arrives_smoothly(fps: float):
    frames = round(6 * fps)
    start, stop = round(2.03 * fps), round(4.11 * fps)
    request = asked(frames, start, stop, fps=fps)
    joints_TJ3 = clip_joints(tiny_generator("two parts").edit(request).clip)
    steps_T = np.linalg.norm(np.diff(joints_TJ3, axis=0), axis=-1).max(-1)
    longest = steps_T[start + 2 : stop - 2].max()
    assert max(steps_T[start - 1], steps_T[stop - 1]) <= longest
    jolts_T = np.linalg.norm(np.diff(joints_TJ3, n=2, axis=0), axis=-1).max(-1)
    inside = np.percentile(jolts_T[start:stop], 99)
    assert max(jolts_T[start - 2 : start].max(), jolts_T[stop - 2 : stop].max()) <= 1.5 * inside


@pytest.mark.parametrize("seconds", [9.9, 25.0])
def test_a_range_longer_than_the_model_sees(seconds: float):
    frames = round((seconds + 8.0) * 20)
    request = asked(frames, 80, frames - 80)
    told: list[float] = []
    result = tiny_generator("two parts").edit(
        request, lambda done, total: told.append(done / total)
    )
    assert_kept(result, request)
    assert told == sorted(told) and told[-1] == 1.0
    assert len(result.tokens_LP) == -(-frames // 4)


def test_the_cost_does_not_grow_with_the_clip():
    near = tiny_generator("two parts").edit(asked(1200, 600, 640))
    assert len(near.tokens_LP) <= 2 * 49 + 10
    far = asked(12_000, 600, 640)
    assert np.array_equal(tiny_generator("two parts").edit(far).tokens_LP, near.tokens_LP)


def test_an_upper_body_edit_leaves_the_pelvis_and_legs_alone():
    request = asked(60, 20, 40, "upper")
    result = tiny_generator("two parts").edit(request)
    changed_J = (result.clip.rotations_TJ4 != request.clip.rotations_TJ4).any((0, 2))
    assert tuple(changed_J.nonzero()[0]) == UPPER_JOINTS
    assert np.array_equal(result.clip.root_T3, request.clip.root_T3)
    assert result.notes == ()


def test_prompts_and_seeds_make_a_difference():
    generator = tiny_generator("two parts")
    request = asked(80, 20, 60)
    tokens = generator.edit(request).tokens_LP
    for other in (replace(request, seed=5), replace(request, prompt="a person sits")):
        assert not np.array_equal(generator.edit(other).tokens_LP, tokens)


def test_held_poses_are_met_exactly():
    clip = smooth_clip(80, 24.0, seed=8)
    held_TJ = np.zeros((80, 22), dtype=np.bool_)
    held_TJ[40] = True
    held_TJ[50, 5] = True
    request = EditRequest(clip, span_mask(80, 20, 60, "all", held_TJ), sampler=TWO_STEPS)
    result = tiny_generator("two parts").edit(request)
    assert_kept(result, request)
    assert np.array_equal(result.clip.root_T3[40], clip.root_T3[40])
    near = dot(result.clip.rotations_TJ4[38:43], clip.rotations_TJ4[[40]])
    assert near.min() > 0.8, "and its neighbours come near it"


def test_two_posed_keys_and_an_empty_timeline_are_enough():
    posed = smooth_clip(2, 0.5, seed=1)
    clip = MotionClip(
        np.repeat(posed.rotations_TJ4, [1, 48], axis=0), np.repeat(posed.root_T3, [1, 48], axis=0)
    )
    request = EditRequest(clip, span_mask(49, 1, 48, "all"), sampler=TWO_STEPS)
    assert_kept(tiny_generator("two parts").edit(request), request)


def test_what_follows_may_move_along():
    request = replace(asked(100, 40, 70), moves_after=True)
    result = tiny_generator("two parts").edit(request)
    assert_kept(result, request)
    assert result.notes == (), "nothing has to be spread"
    move = result.ground_move
    assert np.hypot(move.x, move.z) > 0.01
    still = tiny_generator("two parts").edit(replace(request, moves_after=False))
    assert still.ground_move == (0.0, 0.0, 0.0)


def test_a_motion_that_cannot_arrive_by_itself_is_told():
    request = asked(60, 20, 30)
    away_T3 = request.clip.root_T3 + np.array([30.0, 0.0, 0.0]) * (np.arange(60) >= 30)[:, None]
    request = replace(request, clip=request.clip.replace(root_T3=away_T3))
    result = tiny_generator("two parts").edit(request)
    assert_kept(result, request)
    assert any("slide" in note and note.endswith(".") for note in result.notes)


def test_signs_of_quaternions_are_those_of_the_frames_before():
    for part in ("all", "lower"):
        request = asked(90, 30, 70, part)
        turns_TJ4 = tiny_generator("two parts").edit(request).clip.rotations_TJ4
        assert (dot(turns_TJ4[29:69], turns_TJ4[30:70]) > 0).all()


def standing_clip(frames: int) -> MotionClip:
    """Somebody who stands still, arms lowered, soles on the floor."""
    rest = np.zeros((frames, 22, 4))
    rest[..., 0] = 1.0
    lowest = clip_joints(MotionClip(rest, np.zeros((frames, 3))))[..., 1].min()
    return MotionClip(rest, np.full((frames, 3), [0.0, SOLE_HEIGHT - lowest, 0.0]))


@pytest.mark.parametrize("pin_feet", [True, False])
def test_feet_stay_where_they_stood(monkeypatch: pytest.MonkeyPatch, pin_feet: bool):
    def sway(_model: MotionModel, tokens_LP: IntArray) -> MotionClip:
        clip = standing_clip(4 * len(tokens_LP))
        aside_T = 0.03 * np.sin(np.arange(clip.frames) * 0.3)
        return clip.replace(root_T3=clip.root_T3 + aside_T[:, None] * np.array([1.0, 0.0, 0.0]))

    monkeypatch.setattr(tokens_module, "decode_tokens", sway)
    clip = standing_clip(100)
    request = EditRequest(clip, span_mask(100, 30, 70, "lower"), sampler=TWO_STEPS)
    result = tiny_generator("two parts").edit(replace(request, pin_feet=pin_feet))
    feet = list(CONTACT_JOINTS)
    moved = np.abs(clip_joints(result.clip)[:, feet] - clip_joints(clip)[:, feet]).max()
    assert (moved < 0.01) == pin_feet
    assert np.ptp(result.clip.root_T3[:, 0]) > 0.03, "the body still sways"


def test_feet_that_cannot_be_met_are_told():
    clip = standing_clip(100)
    apart_T3 = clip.root_T3 + np.array([0.0, 0.0, 0.05]) * (np.arange(100) >= 45)[:, None]
    clip = clip.replace(root_T3=apart_T3)
    request = EditRequest(clip, span_mask(100, 44, 46, "all"), sampler=TWO_STEPS)
    notes = tiny_generator("two parts").edit(request).notes
    assert any("foot slides" in note for note in notes)


def test_a_motion_on_another_floor_is_edited_alike():
    request = asked(60, 20, 40)
    high = request.clip.replace(root_T3=request.clip.root_T3 + np.array([0.0, 3.0, 0.0]))
    low = request.clip.replace(root_T3=request.clip.root_T3 + np.array([0.0, -1.0, 0.0]))
    generator = tiny_generator("two parts")
    first = generator.edit(replace(request, clip=high))
    second = generator.edit(replace(request, clip=low))
    assert_kept(first, replace(request, clip=high))
    assert np.array_equal(first.tokens_LP, second.tokens_LP)
    lifted_T3 = second.clip.root_T3 + np.array([0.0, 4.0, 0.0])
    assert np.allclose(first.clip.root_T3, lifted_T3, atol=1e-9)


def test_a_cancelled_edit():
    request = asked(400, 40, 360)
    with pytest.raises(Cancelled):
        tiny_generator("two parts").edit(request, cancelled=lambda: True)
    asks = iter([False, False, False, True])
    with pytest.raises(Cancelled):
        tiny_generator("two parts").edit(request, cancelled=lambda: next(asks))


@pytest.mark.parametrize(
    ("kind", "edits"),
    [
        ("two parts", ["all", "lower", "upper"]),
        ("four parts", ["all", "lower", "upper"]),
        ("whole", ["all"]),
        ("published", ["all"]),
        ("kit", ["all"]),
        ("upper", ["upper"]),
    ],
)
def test_every_kind_of_bundle_edits_what_it_says_and_refuses_the_rest(kind: str, edits: list[str]):
    generator = tiny_generator(kind)
    assert generator.info["edits"] == edits
    parts: tuple[BodyPart, ...] = ("all", "lower", "upper")
    for part in parts:
        request = asked(50, 15, 35, part)
        if part in edits:
            assert_kept(generator.edit(request), request)
        else:
            names = f"not the {part.replace('all', 'whole')} body: choose other weights"
            with pytest.raises(MMMError, match=names):
                generator.edit(request)


def test_published_features_say_that_the_twist_is_a_guess():
    request = asked(50, 15, 35)
    assert tiny_generator("published").edit(request).clip.twist_estimated
    assert not tiny_generator("two parts").edit(request).clip.twist_estimated


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": "walk " * 2000}, "10,000 characters"),
        ({"seed": -1}, "seed"),
        ({"tokens_LP": np.zeros((15, 2), dtype=np.int64) + 24}, "do not fit"),
        ({"tokens_LP": np.zeros((14, 2), dtype=np.int64)}, "do not fit"),
        ({"tokens_LP": np.zeros((15, 1), dtype=np.int64)}, "do not fit"),
        ({"mask": span_mask(60, 0, 60, "all")}, "covers the whole motion"),
    ],
)
def test_bad_input_is_one_sentence(change: dict[str, object], words: str):
    request = replace(asked(60, 20, 40), **change)
    with pytest.raises(MMMError, match=words):
        tiny_generator("two parts").edit(request)
