"""Motions along paths, with pins, from poses: what the worker is told, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.generate.task import GenerateParams, start_generation
from mmm_blender.blender.history import recipe_store
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.history.recipe import Recipe, parse_recipe, recipe_text
from mmm_blender.blender.jobs.scene_job import SceneJob
from mmm_blender.blender.jobs.session import Job, State, WorkerSession
from mmm_blender.blender.path.panel import PathPanel
from mmm_blender.blender.path.planned_path import LONGEST_SECONDS, PathParams
from mmm_blender.blender.path.properties import POSE, STANDING, path_settings
from mmm_blender.blender.pins.properties import pin_settings
from mmm_blender.blender.replay.steps import Rebuilding, request_of
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.motion_reader import current_placement, read_pose
from mmm_blender.blender.rig.world_space import world_space
from mmm_blender.blender.sequence.properties import SegmentParams
from mmm_blender.blender.sequence.task import SequenceParams, start_sequence
from mmm_blender.blender.targets.target_params import TargetParams
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.conditions import Conditions
from mmm_blender.geometry.ground_path import GroundPath
from mmm_blender.worker.protocol import Edit, Generate, Generated, GenerateSequence
from tests.blender.faults.scene_state import scene_state
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.rigs import wild_clip
from tests.blender.helpers.scene_lines import add_curve, add_empty

Sent = list[Any]
CORNER = ((0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (2.0, 3.0, 0.0))


@pytest.fixture
def sent(session: WorkerSession, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Messages that were sent; the answer is a clip of the test's own, at once."""
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    messages: Sent = []

    def send(self: WorkerSession, job: Job, message: Any, _bundle: Any = None) -> None:
        messages.append(message)
        job.result = answer(message)
        job.state = State.SUCCEEDED

    monkeypatch.setattr(WorkerSession, "send", send)
    return messages


def answer(message: Any) -> Generated:
    """A motion that begins where the message asks for it."""
    clip = wild_clip(24)
    if isinstance(message, Edit):
        clip = MotionClip(message.rotations_TJ4, message.root_T3, message.fps)
    elif (path := message.conditions.get("path")) is not None:
        x, z = path["points"][0]
        start = clip.root_T3[0] * (1.0, 0.0, 1.0)
        clip = clip.replace(root_T3=clip.root_T3 - start + np.array([x, 0.0, z]))
    told = {
        "bundle": "tiny", "bundle_hash": "0" * 64, "addon_version": "0", "sampler": {},
        "device": "cpu", "threads": 1, "torch_version": "2", "tokens": [[0, 0]],
        "pin_feet": True, "fps": clip.fps, "conditions": message.conditions,
    }  # fmt: skip
    if isinstance(message, GenerateSequence):
        told |= {"prompts": message.prompts, "seconds": message.seconds, "seeds": message.seeds}
    else:
        told |= {"prompt": message.prompt, "seconds": 1.0, "seed": message.seed}
    tokens = np.zeros((1, 2), dtype=np.int64)
    return Generated(1, clip.rotations_TJ4, clip.root_T3, clip.fps, False, tokens, told, ("Told.",))


def asked(message: Any) -> Conditions:
    return Conditions.from_json(message.conditions)


def path_of(message: Any) -> GroundPath:
    path = asked(message).path
    assert path is not None
    return path


def step_of(action: Any) -> Any:
    found = recipe_store.load_recipe(action)
    assert found is not None
    return found.steps[-1]


def only(messages: Sent, kind: type[Any]) -> Any:
    (message,) = messages
    assert isinstance(message, kind)
    return message


def refusal(call: Callable[[], object], words: str) -> None:
    """It fails in one sentence, and the file stays as it is."""
    before = ([*bpy.data.objects.keys()], [*bpy.data.actions.keys()])
    with pytest.raises(RuntimeError) as caught:
        call()
    lines = str(caught.value).strip().splitlines()
    assert len(lines) == 1 and words in lines[0], lines
    assert ([*bpy.data.objects.keys()], [*bpy.data.actions.keys()]) == before


# --- paths ---------------------------------------------------------------------------------------


def test_a_new_character_stands_on_the_path(sent: Sent, session: WorkerSession) -> None:
    add_curve([(5, 6, 1), (5, 3, 1)])
    assert bpy.ops.mmm.generate(prompt="a person walks", path="Curve", speed=1.5) == {"FINISHED"}
    message = only(sent, Generate)
    assert message.seconds == pytest.approx(2.0)
    ground = path_of(message)
    assert ground.facing == "along" and ground.points_N2.tolist() == [[0, 0], [0, 3]]
    rig = bpy.context.view_layer.objects.active
    assert tuple(rig.location) == (5.0, 6.0, 1.0)
    bpy.context.scene.frame_set(1)
    pelvis = rig.matrix_world @ rig.pose.bones["pelvis"].head
    assert tuple(pelvis)[:2] == pytest.approx((5.0, 6.0), abs=1e-4)
    assert session.notice.text.endswith("Told.")


def test_a_character_comes_to_the_path_unless_it_is_in_a_pose(sent: Sent) -> None:
    rig = create_character(bpy.context)
    rig.location.x = 1.0
    add_curve([(5, 0, 0), (5, -3, 0)])
    bpy.ops.mmm.generate(prompt="a person walks", path="Curve", seconds=3.0)
    assert path_of(sent[0]).points_N2[0].tolist() == [4.0, 0.0]
    assert asked(sent[0]).ends.start == "free"
    assert sent[0].seconds == 3.0
    bpy.context.scene.frame_set(12)
    bpy.ops.mmm.generate(prompt="a person walks", path="Curve", seconds=3.0)
    here = read_pose(rig)
    assert asked(sent[1]).ends.start == "pose"
    np.testing.assert_allclose(path_of(sent[1]).points_N2[0], here.root_T3[0, [0, 2]], atol=1e-3)


def test_the_panels_path_counts_where_none_is_given(sent: Sent) -> None:
    settings = path_settings(bpy.context.scene)
    settings.kind, settings.line = "LINE", add_curve(CORNER)
    bpy.ops.mmm.generate(prompt="a person walks")
    assert asked(sent[0]).path is not None and sent[0].seconds == 0.0, "at its own pace"
    bpy.ops.mmm.generate(prompt="a person walks", path="", seconds=1.0)
    assert asked(sent[1]).path is None and sent[1].seconds == 1.0


def test_walk_to_the_cursor_and_to_an_object(sent: Sent) -> None:
    create_character(bpy.context)
    bpy.context.scene.cursor.location = (0.0, -4.0, 0.0)
    assert bpy.ops.mmm.walk_to(prompt="a person walks") == {"FINISHED"}
    np.testing.assert_allclose(path_of(sent[0]).points_N2, [[0, 0], [0, 4]], atol=1e-3)
    bpy.context.scene.frame_set(1)
    add_empty("Door", (3.0, 0.0, 0.0))
    bpy.ops.mmm.walk_to(prompt="a person walks", goal="OBJECT", path="Door", start_from="FREE")
    assert path_of(sent[1]).points_N2[-1].tolist() == pytest.approx([3.0, 0.0], abs=1e-3)
    refusal(
        lambda: bpy.ops.mmm.walk_to(prompt="a person walks", goal="OBJECT"),
        "Choose an object to go to",
    )


def test_a_sequence_takes_the_path_in_its_seconds(sent: Sent) -> None:
    add_curve(CORNER)
    bpy.ops.mmm.sequence_add(prompt="a person walks", seconds=3.0)
    bpy.ops.mmm.sequence_add(prompt="a person waves", seconds=2.0)
    assert bpy.ops.mmm.generate_sequence(path="Curve") == {"FINISHED"}
    message = only(sent, GenerateSequence)
    assert message.seconds == (3.0, 2.0)
    assert path_of(message).length == pytest.approx(5.0, abs=0.05)
    assert step_of(bpy.context.view_layer.objects.active.animation_data.action).conditions["path"]
    add_curve([(0, 0, 0), (90, 0, 0)], name="Far")
    refusal(lambda: bpy.ops.mmm.generate_sequence(path="Far"), "18.0 m/s")


@pytest.fixture
def walked(sent: Sent) -> Any:
    """A character with a motion of two seconds from frame 1 on."""
    rig = create_character(bpy.context)
    write_clip(rig, wild_clip(48), 1)
    bpy.context.view_layer.update()
    return rig


def test_an_edit_takes_the_path_from_where_the_body_stands(walked: Any, sent: Sent) -> None:
    add_empty("A", (1.0, -3.0, 0.0))
    bpy.ops.mmm.way_point_add(object="A", frame=30)
    bpy.context.view_layer.objects.active = walked
    edit = {"prompt": "a person walks", "frame_start": 20, "frame_end": 30}
    bpy.ops.mmm.inpaint(**edit)
    assert asked(sent[0]).path is None, "the panel's path is not for edits until it is said"
    path_settings(bpy.context.scene).use_in_edits = True
    bpy.ops.mmm.inpaint(**edit)
    ground = path_of(sent[1])
    np.testing.assert_allclose(ground.points_N2[0], sent[1].root_T3[18, [0, 2]], atol=1e-3)
    assert ground.points_N2[-1].tolist() == pytest.approx([1.0, 3.0], abs=1e-3)
    assert ground.seconds_N.tolist() == pytest.approx([0.0, 10 / 24], abs=1e-3)
    assert step_of(walked.animation_data.action).conditions == sent[1].conditions
    bpy.ops.mmm.inpaint(**edit, path="")
    assert asked(sent[2]).path is None


# --- pins ----------------------------------------------------------------------------------------


def test_pins_go_with_every_kind_of_motion(walked: Any, sent: Sent) -> None:
    add_empty("Rail", (0.3, 0.2, 1.0))
    bpy.ops.mmm.pin_add(part="LEFT_HAND", object="Rail", first=22, last=40)
    bpy.context.scene.frame_set(10)
    bpy.ops.mmm.inpaint(prompt="", frame_start=20, frame_end=30)
    (pin,) = asked(sent[0]).pins
    assert (pin.first, pin.last) == pytest.approx((21 / 24, 29 / 24))
    np.testing.assert_allclose(
        world_space(walked).to_world(pin.target_K3), [(0.3, 0.2, 1.0)], atol=1e-3
    )
    bpy.ops.mmm.generate(prompt="a person waves", seconds=2.0, existing="REPLACE")
    (pin,) = asked(sent[1]).pins
    assert (pin.first, pin.last) == pytest.approx((12 / 24, 30 / 24))
    bpy.ops.mmm.sequence_add(prompt="a person walks", seconds=0.5)
    bpy.ops.mmm.generate_sequence()
    assert asked(sent[2]).pins == ()


def test_pins_outside_are_said_and_bad_ones_stop_it(
    walked: Any, sent: Sent, session: WorkerSession
) -> None:
    bpy.ops.mmm.pin_add(part="HEAD", first=200)
    bpy.context.scene.frame_set(10)
    bpy.ops.mmm.generate(prompt="a person waves", seconds=1.0)
    assert asked(sent[0]).pins == ()
    assert "frames 200 to 200) lies outside of the frames 10 to 33" in session.notice.text
    bpy.ops.mmm.pin_add(part="HEAD", first=150, last=250)
    for call in (
        lambda: bpy.ops.mmm.generate(prompt="a person waves"),
        lambda: bpy.ops.mmm.inpaint(prompt="", frame_start=12, frame_end=20),
    ):
        refusal(call, "both hold Head on frame 200")


def test_pins_beside_a_path_of_unknown_time_are_read_for_as_long_as_a_motion_may_last(
    walked: Any, sent: Sent
) -> None:
    """An object that moves was read on a million frames."""
    rail = add_empty("Rail", (0.3, 0.2, 1.0))
    rail.keyframe_insert("location", frame=1)
    add_curve(CORNER)
    bpy.ops.mmm.pin_add(part="LEFT_HAND", object="Rail", first=-(2**31), last=2**31 - 1)
    bpy.context.scene.render.fps = 3
    bpy.ops.mmm.generate(prompt="a person walks", path="Curve", start_from="FREE")
    (pin,) = asked(sent[0]).pins
    assert (pin.first, pin.last) == (0.0, pytest.approx(LONGEST_SECONDS - 1 / 3))


def nan_curve(_rig: Any) -> None:
    add_curve([(0, 0, 0), (float("nan"), 0, 0), (3, 0, 0)])


def flat_character(rig: Any) -> None:
    add_curve(CORNER)
    rig.scale.z = 0.0


def hidden_and_driven(_rig: Any) -> None:
    curve = add_curve(CORNER)
    curve.driver_add("location", 0).driver.expression = "frame"
    curve.hide_viewport = True


def pin_nowhere(rig: Any) -> None:
    add_curve(CORNER)
    line = pin_settings(rig).pins.add()
    line.part, line.object, line.first = "HEAD", add_empty("Odd", (0, 0, float("inf"))), 1
    line.last = 20


@pytest.mark.parametrize("strange", [nan_curve, flat_character, hidden_and_driven, pin_nowhere])
@pytest.mark.parametrize("press", ["generate", "inpaint", "generate_sequence"])
def test_what_lies_nowhere_is_said_and_nothing_changes(
    walked: Any, sent: Sent, strange: Callable[[Any], None], press: str
) -> None:
    strange(walked)
    settings = path_settings(bpy.context.scene)
    settings.kind, settings.use_in_edits = "LINE", True
    settings.line = bpy.data.objects["Curve"]
    bpy.ops.mmm.sequence_add(prompt="a person walks", seconds=3.0)
    bpy.context.view_layer.objects.active = walked
    bpy.context.scene.frame_set(5)
    drawn(PathPanel)
    given = {"frame_start": 12, "frame_end": 30} if press == "inpaint" else {}
    before = scene_state()
    with pytest.raises(RuntimeError) as caught:
        getattr(bpy.ops.mmm, press)(**given)
    said = str(caught.value).strip()
    assert "\n" not in said and "Blender refused" not in said, said
    assert scene_state() == before and sent == []


# --- starts and ends -----------------------------------------------------------------------------


def test_it_goes_on_from_the_pose_and_the_motion_before(walked: Any, sent: Sent) -> None:
    bpy.context.scene.frame_set(40)
    pose = read_pose(walked)
    bpy.ops.mmm.generate(prompt="a person walks", existing="REPLACE")
    ends = asked(sent[0]).ends
    assert (ends.start, ends.end) == ("pose", "free") and ends.pose is not None
    assert ends.pose.frames == 25, "the second before, and the pose itself"
    last = ends.pose.slice(24, 25)
    np.testing.assert_allclose(last.root_T3, pose.root_T3, atol=1e-5)
    np.testing.assert_allclose(last.rotations_TJ4, pose.rotations_TJ4, atol=1e-5)
    assert bpy.context.scene.frame_current == 40


def test_a_pose_that_is_not_keyed_counts_by_itself(walked: Any, sent: Sent) -> None:
    bpy.context.scene.frame_set(40)
    walked.pose.bones["head"].rotation_quaternion = (0.5, 0.5, 0.5, 0.5)
    bpy.context.view_layer.update()
    pose = read_pose(walked)
    bpy.ops.mmm.generate(prompt="a person walks", existing="REPLACE")
    found = asked(sent[0]).ends.pose
    assert found is not None and found.frames == 1
    np.testing.assert_allclose(found.rotations_TJ4, pose.rotations_TJ4, atol=1e-6)


def test_without_a_pose_the_start_is_free(sent: Sent) -> None:
    create_character(bpy.context)
    bpy.ops.mmm.generate(prompt="a person walks")
    assert sent[0].conditions == {}
    bpy.context.scene.frame_set(12)
    bpy.ops.mmm.generate(prompt="a person walks", start_from="FREE", end_in="STANDING")
    assert sent[1].conditions == {"end": "standing"}
    path_settings(bpy.context.scene).start_from = STANDING
    bpy.ops.mmm.generate(prompt="a person walks")
    assert sent[2].conditions == {"start": "standing"}


def test_a_free_start_is_put_where_the_character_stands(walked: Any, sent: Sent) -> None:
    bpy.context.scene.frame_set(30)
    here = current_placement(walked)
    bpy.ops.mmm.generate(prompt="a person walks", start_from="FREE")
    bpy.context.view_layer.update()
    there = current_placement(walked)
    assert (there.x, there.z) == pytest.approx((here.x, here.z), abs=1e-4)


# --- what is read at the press -------------------------------------------------------------------


def run(job: SceneJob) -> None:
    while not job.tick(bpy.context):
        pass


def test_what_is_edited_meanwhile_comes_too_late(walked: Any, sent: Sent) -> None:
    curve = add_curve(CORNER)
    params = GenerateParams(
        "a person walks", 4.0, 0,
        targets=TargetParams(PathParams(text="Curve"), start="FREE", end="FREE"),
    )  # fmt: skip
    job = start_generation(bpy.context, params)
    bpy.data.objects.remove(curve)
    walked.location.x = 50.0
    run(job)
    ends = path_of(sent[0]).points_N2[[0, -1]]
    np.testing.assert_allclose(ends, [[0, 0], [2, -3]], atol=1e-3)


def test_a_pin_whose_object_goes_before_it_is_read_is_said(walked: Any, sent: Sent) -> None:
    item = add_empty("Rail", (0.3, 0.2, 1.0))
    bpy.ops.mmm.pin_add(part="LEFT_HAND", object="Rail", first=2, last=10)
    job = start_sequence(bpy.context, SequenceParams((SegmentParams("a person walks", 1.0, 0),)))
    bpy.data.objects.remove(item)
    run(job)
    assert job.job.state is State.FAILED and "'Rail' was deleted" in job.job.sentence
    assert sent == []


# --- recipes -------------------------------------------------------------------------------------


def test_the_recipe_holds_points_and_not_the_object(walked: Any, sent: Sent) -> None:
    curve = add_curve(CORNER)
    add_empty("Rail", (0.3, 0.2, 1.0))
    bpy.ops.mmm.pin_add(part="LEFT_HAND", object="Rail", first=5, last=9)
    bpy.context.scene.frame_set(5)
    bpy.ops.mmm.generate(
        prompt="a person walks", path="Curve", start_from=POSE, end_in=STANDING, seconds=4.0
    )
    action = walked.animation_data.action
    for item in (curve, bpy.data.objects["Rail"]):
        bpy.data.objects.remove(item)
    step = step_of(action)
    assert parse_recipe(recipe_text(Recipe((step,)))).steps[0] == step
    again = request_of(step, None)
    assert isinstance(again, Generate)
    assert again.conditions == sent[0].conditions
    assert {"path", "pins", "start", "end", "pose"} <= again.conditions.keys()


def test_a_motion_on_a_path_is_replayed_where_it_was(walked: Any, sent: Sent) -> None:
    add_curve([(3, 0, 0), (3, -4, 0)])
    bpy.ops.mmm.generate(prompt="a person walks", path="Curve", start_from="FREE")
    action = walked.animation_data.action
    step = step_of(action)
    assert (step.placement["x"], step.placement["z"]) == pytest.approx((3.0, 0.0), abs=1e-4)
    bpy.data.objects.remove(bpy.data.objects["Curve"])
    rebuilding = Rebuilding(Recipe((step,)))
    rebuilding.take(answer(request_of(step, None)))
    made = rebuilding.finish(walked, action)
    assert {name: raw.keys for name, raw in raw_curves(made).items()} == {
        name: raw.keys for name, raw in raw_curves(action).items()
    }
