"""Regenerate Range and In-between from a script, through the real worker process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.addon import bundle_choice
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves import keyframe_arrays
from mmm_blender.blender.fcurves.keyframe_arrays import KeyArray
from mmm_blender.blender.fcurves.layered_actions import action_fcurves
from mmm_blender.blender.history import recipe_store
from mmm_blender.blender.history.fingerprint import FINGERPRINT_PROPERTY
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.geometry.editing.edit_mask import PART_JOINTS
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.edits import (
    FIRST,
    LAST,
    STOP,
    Inpaint,
    action_of,
    bundle_that_predicts,
    joint_of,
    keys_of,
    last_step,
    refusal,
)


def test_only_the_range_changes(
    rig: ArmatureObject, inpaint: Inpaint, session: WorkerSession
) -> None:
    before, placed = keys_of(rig), rig.matrix_world.copy()
    assert inpaint(seed=3) == {"FINISHED"}
    after = keys_of(rig)
    assert after.keys() == before.keys()
    changed = 0
    for name, keys in after.items():
        if name[0].startswith("pose."):
            assert len(keys) == len(before[name])
            assert np.array_equal(keys["co"][:, 0], before[name]["co"][:, 0])
            for field in ("co", "interpolation", "easing", "type"):
                frames = keys["co"][:, 0]
                kept = (frames < FIRST) | (frames > STOP)
                assert keys[field][kept].tobytes() == before[name][field][kept].tobytes()
            changed += keys["co"].tobytes() != before[name]["co"].tobytes()
    assert changed == len(after)
    assert rig.matrix_world == placed
    assert f"Regenerated frames {FIRST} to {STOP} of '{rig.name}'" in session.notice.text


@pytest.mark.parametrize("part", ["UPPER", "LOWER"])
def test_the_other_body_part_keeps_every_bit(
    rig: ArmatureObject, inpaint: Inpaint, part: str
) -> None:
    edited = {SMPL_22.names[joint] for joint in PART_JOINTS[part.lower()]}  # type: ignore[index]
    before = keys_of(rig)
    assert inpaint(body_part=part) == {"FINISHED"}
    for name, keys in keys_of(rig).items():
        same = keys.tobytes() == before[name].tobytes()
        assert same == (joint_of(name[0]) not in edited)


def test_no_curve_is_read_more_than_once_at_a_time(
    rig: ArmatureObject, inpaint: Inpaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once when it begins and once before it writes: in long Actions reading is what takes time."""
    read_into = keyframe_arrays._read_into  # pyright: ignore[reportPrivateUsage]
    reads: list[Any] = []

    def counted(curve: Any, keys: KeyArray) -> None:
        reads.append(curve)
        read_into(curve, keys)

    monkeypatch.setattr(keyframe_arrays, "_read_into", counted)
    assert inpaint() == {"FINISHED"}
    assert len(reads) == 2 * len(action_fcurves(action_of(rig)))


def test_the_motion_around_is_seen_as_it_was(rig: ArmatureObject, inpaint: Inpaint) -> None:
    before = read_motion(rig, 1, LAST)
    inpaint()
    after = read_motion(rig, 1, LAST)
    kept = [frame - 1 for frame in range(1, LAST + 1) if not FIRST <= frame <= STOP]
    np.testing.assert_array_equal(after.root_T3[kept], before.root_T3[kept])
    np.testing.assert_array_equal(after.rotations_TJ4[kept], before.rotations_TJ4[kept])
    inside = slice(FIRST - 1, STOP)
    assert not np.allclose(after.root_T3[inside], before.root_T3[inside], atol=1e-3)


def test_the_same_seed_gives_the_same_keys_and_another_others(
    rig: ArmatureObject, inpaint: Inpaint
) -> None:
    found: list[Any] = []
    for seed in (5, 5, 6):
        inpaint(seed=seed, hold="NONE")
        found.append(raw_curves(action_of(rig)))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_what_stood_in_the_range_is_not_heard(rig: ArmatureObject, inpaint: Inpaint) -> None:
    inpaint(hold="NONE")
    first = raw_curves(action_of(rig))
    for curve in action_fcurves(action_of(rig)):
        for key in curve.keyframe_points:
            if FIRST <= key.co[0] <= STOP:
                key.co[1] += 0.7
    inpaint(hold="NONE")
    assert raw_curves(action_of(rig)) == first


@pytest.mark.parametrize(
    ("first", "last"), [(50, 90), (-15, 10), (80, 95), (-40, -30), (30, 30), (30, 31), (55, 60)]
)
def test_a_range_may_lie_anywhere(
    rig: ArmatureObject, inpaint: Inpaint, first: int, last: int
) -> None:
    scene = bpy.context.scene
    scene.frame_end = LAST
    before = keys_of(rig)
    assert inpaint(frame_start=first, frame_end=last) == {"FINISHED"}
    assert scene.frame_end == max(LAST, last)
    for name, keys in keys_of(rig).items():
        frames = keys["co"][:, 0]
        assert set(range(first, last + 1)) <= set(frames)
        old = before[name]["co"]
        kept = old[(old[:, 0] < first) | (old[:, 0] > last)]
        assert {tuple(point) for point in kept} <= {tuple(point) for point in keys["co"]}
    assert np.isfinite(read_motion(rig, min(first, 1), max(last, LAST)).root_T3).all()


def test_no_text_is_a_text_too(inpaint: Inpaint) -> None:
    assert inpaint(prompt="") == {"FINISHED"}


def test_fields_of_the_panel_are_the_defaults(rig: ArmatureObject) -> None:
    settings = bpy.context.scene.mmm
    settings.edit_prompt, settings.seed, settings.body_part = " a person waves ", 9, "UPPER"
    settings.edit_start, settings.edit_end, settings.pin_feet = 10, 20, False
    assert bpy.ops.mmm.inpaint() == {"FINISHED"}
    step = last_step(rig)
    assert (step.prompt, step.seed, step.part) == ("a person waves", 9, "upper")
    assert (step.first, step.last, step.pin_feet) == (10, 20, False)


def test_every_edit_is_a_step_of_the_recipe(rig: ArmatureObject, inpaint: Inpaint) -> None:
    inpaint(seed=1)
    assert last_step(rig).input == ""  # the step before made all that was read
    key = action_fcurves(action_of(rig))[8].keyframe_points[2]
    key.co[1] += 0.1
    inpaint(seed=2)
    found = recipe_store.load_recipe(action_of(rig))
    assert found is not None
    assert [step.kind for step in found.steps] == ["generate", "edit", "edit"]
    assert last_step(rig).seed == 2
    assert last_step(rig).input == ""  # the step before, and the key that the step itself holds
    assert len(last_step(rig).hand.bones) == 1
    del action_of(rig)[FINGERPRINT_PROPERTY]
    inpaint(seed=3)
    assert last_step(rig).input != ""  # nobody knows what was changed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"frame_start": 40, "frame_end": 20}, "swap the two"),
        ({"frame_start": 1, "frame_end": LAST}, "covers the whole motion"),
        ({"prompt": "a" * 3000}, "shorten it to 2,000"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"bundle": "nowhere"}, "'nowhere' are not there"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    rig: ArmatureObject,
    inpaint: Inpaint,
    session: WorkerSession,
    arguments: dict[str, Any],
    words: str,
) -> None:
    sentence = refusal(rig, lambda: inpaint(**arguments))
    assert words in sentence
    assert session.notice.is_error and session.notice.text == sentence


def test_what_moves_the_pose_beside_the_keys_must_be_baked(
    rig: ArmatureObject, inpaint: Inpaint
) -> None:
    constraint = rig.pose.bones["left_elbow"].constraints.new("LIMIT_ROTATION")
    assert "Bake the action first" in refusal(rig, inpaint)
    assert inpaint(body_part="LOWER") == {"FINISHED"}
    constraint.mute = True
    assert inpaint() == {"FINISHED"}


def test_curves_that_cannot_be_cut_are_said(rig: ArmatureObject, inpaint: Inpaint) -> None:
    action_fcurves(action_of(rig))[0].lock = True
    assert "is locked" in refusal(rig, inpaint)


def test_without_keys_or_a_rig_the_button_is_grey(rig: ArmatureObject, inpaint: Inpaint) -> None:
    rig.animation_data.action = None
    with pytest.raises(RuntimeError, match="has no Action to edit"):
        inpaint()
    bpy.data.objects.remove(rig)
    with pytest.raises(RuntimeError, match="Select the character"):
        inpaint()


@pytest.mark.parametrize(
    ("parts", "predicted", "edits"),
    [
        (["all"], [], ("all",)),
        (["lower", "upper"], [], ("all", "lower", "upper")),
        (["lower", "upper"], ["upper"], ("upper",)),
        (["lower", "torso", "left_arm", "right_arm"], [], ("all", "lower", "upper")),
        (["lower", "torso", "left_arm", "right_arm"], ["lower"], ("lower",)),
    ],
)
def test_a_bundle_edits_what_it_predicts(  # noqa: PLR0917
    rig: ArmatureObject,
    inpaint: Inpaint,
    tmp_path: Path,
    parts: list[str],
    predicted: list[str],
    edits: tuple[str, ...],
) -> None:
    path = bundle_that_predicts(tmp_path / "some", parts, predicted)
    limits = bundle_choice.chosen_bundle(bpy.context.scene, str(path)).limits
    assert limits is not None and limits.edits == edits
    for part in {"all", "lower", "upper"} - set(edits):
        sentence = refusal(rig, lambda p=part: inpaint(bundle=str(path), body_part=p.upper()))
        assert f"not the {'whole' if part == 'all' else part} body" in sentence
