"""Loop and Simplify Keys on Generate Motion, with the starter weights: keyed, replayed, edited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.fcurves.layered_actions import curves_of_bones
from mmm_blender.blender.history.recipe import EditStep, GenerateStep, LoopStep
from mmm_blender.blender.history.recipe_store import load_recipe
from mmm_blender.blender.jobs.session import WorkerSession

STARTER = Path(__file__).resolve().parents[3] / "weights" / "starter"
FRAMES = 36
LAST = 1 + FRAMES


@pytest.fixture
def scene(session: WorkerSession, worker_python: Path) -> Any:
    scene = bpy.context.scene
    scene.mmm.bundle, scene.frame_start = str(STARTER), 1
    return scene


def generate(**asked: Any) -> ArmatureObject:
    wanted = {"prompt": "a person walks forward", "seconds": 1.5, "seed": 1} | asked
    assert bpy.ops.mmm.generate(**wanted) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def curves(rig: ArmatureObject) -> list[Any]:
    return curves_of_bones(rig, rig.animation_data.action)


def cycles(rig: ArmatureObject) -> set[tuple[str, str]]:
    return {(each.modifiers[0].type, each.modifiers[0].mode_after) for each in curves(rig)}


def keys_within(rig: ArmatureObject, frames: list[int]) -> list[list[tuple[float, ...]]]:
    """Keys on these frames, with their handles, of each curve."""
    return [
        [
            (*key.co, *key.handle_left, *key.handle_right)
            for key in curve.keyframe_points
            if key.co[0] in frames
        ]
        for curve in curves(rig)
    ]


def again(rig: ArmatureObject) -> tuple[Any, Any]:
    before = rig.animation_data.action
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    return raw_curves(before), raw_curves(rig.animation_data.action)


def test_a_loop_goes_round_and_is_replayed_to_the_bit(scene: Any, session: WorkerSession) -> None:
    rig = generate(loop=True, takes=2)
    assert [len(set(take.action.frame_range)) for take in rig.mmm_takes.takes] == [2, 2]
    assert tuple(rig.animation_data.action.frame_range) == (1, LAST)
    assert cycles(rig) == {("CYCLES", "REPEAT"), ("CYCLES", "REPEAT_OFFSET")}
    for curve in curves(rig):
        values = np.array([curve.evaluate(1 + frame) for frame in range(3 * FRAMES)])
        rounds = values.reshape(3, FRAMES)
        offset = values[FRAMES] - values[0] if curve.data_path.endswith("location") else 0.0
        np.testing.assert_allclose(rounds[1] - rounds[0], offset, atol=1e-4)
        np.testing.assert_allclose(rounds[2] - rounds[1], offset, atol=1e-4)
    assert 0.0 <= rig.mmm_takes.takes[0].seam <= 1.2
    before, after = again(rig)
    assert before == after and cycles(rig) == {("CYCLES", "REPEAT"), ("CYCLES", "REPEAT_OFFSET")}


def test_a_range_of_a_loop_is_regenerated_but_not_its_seam(scene: Any) -> None:
    rig = generate(loop=True)
    outside = [*range(1, 12), *range(25, LAST + 1)]
    kept = keys_within(rig, outside)
    asked = {"prompt": "a person waves", "seed": 3}
    for first, last in ((1, 10), (30, LAST), (30, 60)):
        with pytest.raises(RuntimeError, match="reaches its seam"):
            bpy.ops.mmm.inpaint(**asked, frame_start=first, frame_end=last)
    assert bpy.ops.mmm.inpaint(**asked, frame_start=12, frame_end=24) == {"FINISHED"}
    assert keys_within(rig, outside) == kept
    assert cycles(rig) == {("CYCLES", "REPEAT"), ("CYCLES", "REPEAT_OFFSET")}
    recipe = load_recipe(rig.animation_data.action)
    assert recipe is not None and [type(step) for step in recipe.steps] == [GenerateStep, EditStep]
    before, after = again(rig)
    assert before == after


def test_make_loop_is_replayed_and_mirrored(scene: Any) -> None:
    rig = generate(seconds=2.0)
    assert bpy.ops.mmm.make_loop() == {"FINISHED"}
    recipe = load_recipe(rig.animation_data.action)
    assert recipe is not None and [type(step) for step in recipe.steps] == [LoopStep]
    before, after = again(rig)
    assert before == after and ("CYCLES", "REPEAT_OFFSET") in cycles(rig)
    assert bpy.ops.mmm.mirror() == {"FINISHED"}
    assert ("CYCLES", "REPEAT_OFFSET") in cycles(rig), "a loop mirrored is a loop"


def test_bad_input_of_a_loop_changes_nothing(scene: Any) -> None:
    with pytest.raises(RuntimeError, match=r"at least 0\.8 seconds"):
        generate(loop=True, seconds=0.04)
    with pytest.raises(RuntimeError, match="no end"):
        generate(loop=True, end_in="STANDING")
    scene.mmm_path.kind = "CURSOR"
    with pytest.raises(RuntimeError, match="on no path"):
        generate(loop=True)
    assert not bpy.data.actions and not bpy.data.armatures


def test_keys_are_simplified_in_the_same_step_and_replayed(
    scene: Any, session: WorkerSession
) -> None:
    rig = generate(simplify=True, tolerance=10.0, takes=2)
    counts = [len(curve.keyframe_points) for curve in curves(rig)]
    assert max(counts) < FRAMES and "keys became" in session.notice.text
    assert "mm off" in session.notice.text
    recipe = load_recipe(rig.animation_data.action)
    step = None if recipe is None else recipe.steps[0]
    assert isinstance(step, GenerateStep) and step.tolerance[0] == pytest.approx(0.01)
    before, after = again(rig)
    assert before == after
    outside = [*range(1, 15), *range(23, FRAMES + 1)]
    kept = [[curve.evaluate(frame) for frame in outside] for curve in curves(rig)]
    assert bpy.ops.mmm.inpaint(prompt="", seed=3, frame_start=15, frame_end=22) == {"FINISHED"}
    found = [[curve.evaluate(frame) for frame in outside] for curve in curves(rig)]
    np.testing.assert_allclose(found, kept, atol=1e-5)
    before, after = again(rig)
    assert before == after, "an edit of sparse keys follows from the steps"


def test_a_loop_with_few_keys_still_goes_round(scene: Any) -> None:
    rig = generate(loop=True, tolerance=10.0)
    assert max(len(curve.keyframe_points) for curve in curves(rig)) < FRAMES
    for curve in curves(rig):
        near = [curve.evaluate(LAST + step) for step in (-0.02, -0.01, 0.01, 0.02)]
        into, out_of = near[1] - near[0], near[3] - near[2]
        fastest = np.abs(np.diff([curve.evaluate(1 + f) for f in range(FRAMES)])).max()
        signs = (1.0, -1.0) if "quaternion" in curve.data_path else (1.0,)
        apart = min(abs(into - sign * out_of) for sign in signs)
        assert apart < 0.01 * (0.1 * fastest + 1e-3)


@pytest.mark.parametrize("millimetres", [0.0, 10_000.0])
def test_what_is_no_tolerance_is_said_before_the_job(scene: Any, millimetres: float) -> None:
    with pytest.raises(RuntimeError, match="makes no sense"):
        generate(simplify=True, tolerance=millimetres)
    assert not bpy.data.actions and not bpy.data.armatures
