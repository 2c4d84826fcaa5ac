"""Inpaint and In-between from a script and from a button, through the real worker process."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mmm_blender.geometry.task.edit_mask import PART_JOINTS

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.addon import bundle_choice
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.edit import operators, task
from mmm_blender.blender.edit.chosen_range import ChosenRange, Source
from mmm_blender.blender.edit.panel import DopeSheetEditPanel, EditPanel, GraphEditPanel
from mmm_blender.blender.fcurves import keyframe_arrays
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE, KeyArray
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS, action_fcurves, curve_store
from mmm_blender.blender.history import fingerprint, recipe, recipe_store
from mmm_blender.blender.jobs.job_operator import (
    READING_TICK_SECONDS,
    TICK_SECONDS,
    JobOperator,
)
from mmm_blender.blender.jobs.scene_job import SceneJob
from mmm_blender.blender.jobs.session import State, WorkerSession
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.rotations import dot
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.drawing import Layout

Inpaint = Callable[..., set[str]]
LAST = 60
FIRST, STOP = 21, 40
"""The range that most tests edit, both included."""
WAIT_SECONDS = 60.0
OWN_PROPERTIES = (recipe_store.RECIPE_PROPERTY, fingerprint.FINGERPRINT_PROPERTY)


@pytest.fixture(scope="module")
def walk(
    registered: WorkerSession, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A file with a character that has a generated motion on the frames 1 to 60."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mmm.generate(prompt="a person waves", seconds=LAST / 24, bundle=str(tiny_bundle))
    path = tmp_path_factory.mktemp("file") / "walk.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture
def rig(session: WorkerSession, walk: Path, tiny_bundle: Path) -> ArmatureObject:
    bpy.ops.wm.open_mainfile(filepath=str(walk))
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    return bpy.context.view_layer.objects.active


@pytest.fixture
def inpaint(rig: ArmatureObject) -> Inpaint:
    """bpy.ops.mmm.inpaint of the usual range, unless another is asked for."""

    def call(**arguments: Any) -> set[str]:
        defaults = {"prompt": "a person waves", "frame_start": FIRST, "frame_end": STOP}
        return set(bpy.ops.mmm.inpaint(**(defaults | arguments)))

    return call


def action_of(rig: ArmatureObject) -> Any:
    return rig.animation_data.action


def keys_of(rig: ArmatureObject) -> dict[tuple[str, int], KeyArray]:
    return {
        (path, index): np.frombuffer(raw.keys, KEY_DTYPE)
        for (_, path, index), raw in raw_curves(action_of(rig)).items()
    }


def everything(rig: ArmatureObject) -> Any:
    """All that an edit must leave as it was if nothing comes of it."""
    scene = bpy.context.scene
    action = action_of(rig)
    return (
        raw_curves(action),
        {name: action[name] for name in OWN_PROPERTIES if name in action},
        (scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe),
        [item.name for item in bpy.data.actions],
    )


def refusal(rig: ArmatureObject, call: Callable[[], object]) -> str:
    """The sentence of a call that must fail and leave everything as it was."""
    before = everything(rig)
    with pytest.raises(RuntimeError) as caught:
        call()
    assert everything(rig) == before
    lines = str(caught.value).strip().splitlines()
    assert len(lines) == 1
    return lines[0].removeprefix("Error: ")


def outside(keys: KeyArray, first: int = FIRST, last: int = STOP) -> bytes:
    frames = keys["co"][:, 0]
    return keys[(frames < first) | (frames > last)].tobytes()


def joint_of(path: str) -> str:
    return path.split('"')[1]


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


def last_step(rig: ArmatureObject) -> recipe.EditStep:
    found = recipe_store.load_recipe(action_of(rig))
    assert found is not None
    step = found.steps[-1]
    assert isinstance(step, recipe.EditStep)
    return step


def test_every_edit_is_a_step_of_the_recipe(rig: ArmatureObject, inpaint: Inpaint) -> None:
    inpaint(seed=1)
    assert last_step(rig).input == ""  # the step before made all that was read
    key = action_fcurves(action_of(rig))[8].keyframe_points[2]
    key.co[1] += 0.1
    inpaint(seed=2)
    found = recipe_store.load_recipe(action_of(rig))
    assert found is not None
    assert [step.kind for step in found.steps] == ["generate", "edit", "edit"]
    assert last_step(rig).input != "" and last_step(rig).seed == 2
    inpaint(seed=3)
    assert last_step(rig).input == ""


# --- holds ----------------------------------------------------------------------------------------


def values_at(rig: ArmatureObject, bone: str, frame: int) -> list[float]:
    return [
        float(curve.evaluate(frame))
        for curve in action_fcurves(action_of(rig))
        if joint_of(curve.data_path) == bone
    ]


def move_keys(rig: ArmatureObject, bone: str, frame: int) -> None:
    for curve in action_fcurves(action_of(rig)):
        if joint_of(curve.data_path) == bone:
            for key in curve.keyframe_points:
                if key.co[0] == frame:
                    key.co[1] += 0.05


def test_hand_edits_hold_themselves(
    rig: ArmatureObject, inpaint: Inpaint, session: WorkerSession
) -> None:
    move_keys(rig, "left_elbow", 30)
    moved, other = values_at(rig, "left_elbow", 30), values_at(rig, "left_elbow", 29)
    assert inpaint() == {"FINISHED"}
    assert values_at(rig, "left_elbow", 30) == moved
    assert values_at(rig, "left_elbow", 29) != other
    held = [
        key.type
        for curve in action_fcurves(action_of(rig))
        if joint_of(curve.data_path) == "left_elbow"
        for key in curve.keyframe_points
        if key.co[0] == 30
    ]
    assert set(held) == {"KEYFRAME"}
    assert "1 locked" in session.notice.text


def test_nothing_is_held_where_that_is_asked_for(rig: ArmatureObject, inpaint: Inpaint) -> None:
    move_keys(rig, "left_elbow", 30)
    moved = values_at(rig, "left_elbow", 30)
    assert inpaint(hold="NONE") == {"FINISHED"}
    assert values_at(rig, "left_elbow", 30) != moved


def test_a_retimed_action_is_asked_about(rig: ArmatureObject, inpaint: Inpaint) -> None:
    for curve in action_fcurves(action_of(rig)):
        for key in curve.keyframe_points:
            key.co[1] += 0.01
    for hold in ("AUTO", "EDITED"):
        sentence = refusal(rig, lambda hold=hold: inpaint(hold=hold))
        assert "keys in the range are not as MMM wrote them" in sentence
    assert "nothing is left to make" in refusal(rig, lambda: inpaint(hold="EDITED", sure=True))
    assert inpaint(hold="NONE") == {"FINISHED"}


def test_a_renamed_bone_is_made_anew(
    rig: ArmatureObject, inpaint: Inpaint, session: WorkerSession
) -> None:
    before = values_at(rig, "left_elbow", 30)
    rig.data.bones["left_elbow"].name = "L_Elbow"
    assert inpaint() == {"FINISHED"}
    assert values_at(rig, "L_Elbow", 30) != before
    assert "L_Elbow: renamed" in session.notice.text and "held." in session.notice.text


def pose_by_hand(rig: ArmatureObject, frame: int, angle: float) -> None:
    """Key every bone, the way a person does."""
    rig.pose.bones["pelvis"].location = (0.0, 0.02 * angle, 0.0)
    rig.pose.bones["pelvis"].keyframe_insert("location", frame=frame)
    for joint in SMPL_22.names:
        bone = rig.pose.bones[joint]
        bone.rotation_quaternion = (np.cos(angle), np.sin(angle), 0.0, 0.0)
        bone.keyframe_insert("rotation_quaternion", frame=frame)


def test_two_posed_keys_and_an_empty_timeline_are_enough(
    session: WorkerSession, tiny_bundle: Path
) -> None:
    bpy.ops.mmm.add_character()
    rig = bpy.context.view_layer.objects.active
    pose_by_hand(rig, 10, 0.05)
    pose_by_hand(rig, 40, 0.15)
    before = read_motion(rig, 10, 40)
    keys = keys_of(rig)
    result = bpy.ops.mmm.in_between(
        frame_start=10, frame_end=40, bundle=str(tiny_bundle), prompt=""
    )
    assert result == {"FINISHED"}
    after = read_motion(rig, 10, 40)
    for end in (0, -1):
        cosines = np.abs(dot(after.rotations_TJ4[end], before.rotations_TJ4[end]))
        assert cosines.min() > 1.0 - 1e-6
        np.testing.assert_allclose(after.root_T3[end], before.root_T3[end], atol=1e-5)
    for name, now in keys_of(rig).items():
        assert set(now["co"][:, 0]) == set(range(10, 41))
        assert now["co"][[0, -1]].tobytes() == keys[name]["co"].tobytes()
    assert not np.allclose(after.rotations_TJ4[15], before.rotations_TJ4[15], atol=1e-3)
    assert "2 locked" in session.notice.text


def test_a_range_of_nothing_but_holds_is_said(rig: ArmatureObject, inpaint: Inpaint) -> None:
    for curve in action_fcurves(action_of(rig)):
        for key in curve.keyframe_points:
            key.type = "KEYFRAME"
    assert "nothing is left to make" in refusal(rig, lambda: inpaint(hold="KEYFRAME"))


@pytest.mark.parametrize("part", ["ALL", "UPPER", "LOWER"])
def test_what_channels_without_keys_say_does_not_matter_to_replay(
    rig: ArmatureObject, inpaint: Inpaint, part: str
) -> None:
    """A pose that nobody keyed stands as it was left, and is another one when steps are redone."""
    action = action_of(rig)
    bpy.context.scene.frame_set(50)
    for curve in action_fcurves(action):
        if joint_of(curve.data_path) == "head":
            curve_store(rig, action).fcurves.remove(curve)  # pyright: ignore
    assert inpaint(body_part=part) == {"FINISHED"}
    assert inpaint(frame_start=45, frame_end=50, hold="NONE", body_part="LOWER") == {"FINISHED"}
    steps = recipe_store.load_recipe(action)
    assert steps is not None and getattr(steps.steps[1], "input", "")
    before = {name[1:]: raw.keys for name, raw in raw_curves(action).items()}
    rig.pose.bones["head"].rotation_quaternion = (0.6, 0.8, 0.0, 0.0)
    bpy.context.scene.frame_set(30)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    after = {name[1:]: raw.keys for name, raw in raw_curves(action_of(rig)).items()}
    assert after == before


@pytest.mark.skipif(not HAS_SLOTS, reason="Merge Animation makes slots")
def test_two_characters_in_one_action_have_a_recipe_each(
    rig: ArmatureObject, inpaint: Inpaint, tiny_bundle: Path
) -> None:
    rig.select_set(True)
    other = rig.copy()
    bpy.context.collection.objects.link(other)
    other.animation_data_clear()
    bpy.context.view_layer.objects.active = other
    bpy.ops.mmm.generate(prompt="a person runs", seconds=LAST / 24, bundle=str(tiny_bundle), seed=5)
    other.select_set(True)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.anim.merge_animation()
    assert action_of(other) == action_of(rig)
    action, slot = action_of(rig), rig.animation_data.action_slot.identifier
    said = {name: action[name] for name in OWN_PROPERTIES}
    mine = {name: raw for name, raw in raw_curves(action).items() if name[0] == slot}
    bpy.context.view_layer.objects.active = other
    assert recipe_store.load_recipe(action, other) is None
    assert fingerprint.load_fingerprint(action, other) is None
    assert inpaint() == {"FINISHED"}
    assert {name: action[name] for name in OWN_PROPERTIES} == said
    assert {name: raw for name, raw in raw_curves(action).items() if name[0] == slot} == mine
    assert fingerprint.is_untouched(rig, action) and fingerprint.is_untouched(other, action)
    steps = recipe_store.load_recipe(action, other)
    assert steps is not None and len(steps.steps) == 1
    bpy.context.view_layer.objects.active = rig
    assert inpaint() == {"FINISHED"}
    steps = recipe_store.load_recipe(action)
    assert steps is not None and len(steps.steps) == 2
    assert recipe_store.load_recipe(action, rig) == steps
    assert fingerprint.is_untouched(rig, action) and fingerprint.is_untouched(other, action)


# --- what cannot be -------------------------------------------------------------------------------


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
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="Select the SMPL armature"):
        inpaint()


def bundle_that_predicts(folder: Path, parts: list[str], predicted: list[str]) -> Path:
    config = {
        "name": folder.name,
        "tokenizer": {"layout": "smpl_269", "stages": 2, "parts": parts},
        "transformer": {"places": 50, "predicted_parts": predicted},
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return folder


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


# --- from a button --------------------------------------------------------------------------------


class Press(JobOperator):
    """What Blender would make of the operator; the test sends the events."""

    def __init__(self, params: task.EditParams) -> None:
        self.params = params
        self.reports: list[tuple[set[str], str]] = []
        self.report = self._note
        assert self._begin(bpy.context)
        self._set_timer(bpy.context)

    def _note(self, level: set[str], text: str) -> None:
        self.reports.append((level, text))

    def start(self, context: Any) -> SceneJob:
        return task.start_edit(context, self.params)

    @property
    def scene_job(self) -> SceneJob:
        assert self._scene_job is not None
        return self._scene_job

    def send(self, kind: str, value: str = "PRESS") -> set[str]:
        return self.modal(bpy.context, SimpleNamespace(type=kind, value=value))

    @property
    def seconds_between_beats(self) -> float:
        return 0.0 if self._timer is None else self._timer.time_step

    def run_until(self, state: State | None) -> set[str]:
        """Send beats of the timer till the job is there, or to its end."""
        end = time.monotonic() + WAIT_SECONDS
        answer = {"PASS_THROUGH"}
        while answer == {"PASS_THROUGH"} and time.monotonic() < end:
            if state is not None and self.scene_job.job.state is state:
                break
            answer = self.send("TIMER")
            time.sleep(0.001)
        return answer


@pytest.fixture
def press(rig: ArmatureObject) -> Iterator[Callable[..., Press]]:
    """Press the button Inpaint, without the window that would wait for it."""

    def call(**changes: Any) -> Press:
        span = ChosenRange(FIRST, STOP, Source.GIVEN)
        return Press(task.EditParams(prompt="a person waves", range=span, **changes))

    yield call


@pytest.fixture
def slow_bundle(tiny_bundle: Path, tmp_path: Path) -> str:
    """A bundle that takes so many steps that anything can happen to it before it is done."""
    slow = tmp_path / "slow"
    shutil.copytree(tiny_bundle, slow)
    config = json.loads((slow / "config.json").read_text())
    config["sampler"]["steps"] = 100_000
    (slow / "config.json").write_text(json.dumps(config))
    return str(slow)


def test_it_reads_and_then_works_beside_the_person(
    rig: ArmatureObject, press: Callable[..., Press], session: WorkerSession
) -> None:
    operator = press()
    assert session.busy and operator.scene_job.job.state is State.READING
    assert operator.scene_job.job.text(session.clock()).startswith("Reading the motion")
    assert operator.seconds_between_beats == pytest.approx(READING_TICK_SECONDS)
    assert not bpy.ops.mmm.inpaint.poll() and not bpy.ops.mmm.generate.poll()
    frame = bpy.context.scene.frame_current
    assert operator.send("TIMER") == {"PASS_THROUGH"}
    assert bpy.context.scene.frame_current == frame
    operator.run_until(State.GENERATING)
    assert operator.seconds_between_beats == pytest.approx(TICK_SECONDS)
    assert operator.run_until(None) == {"FINISHED"}
    assert not session.busy and operator.reports[0][0] == {"INFO"}


@pytest.mark.parametrize("state", [State.READING, State.GENERATING])
def test_esc_leaves_everything_as_it_was(
    rig: ArmatureObject,
    press: Callable[..., Press],
    session: WorkerSession,
    slow_bundle: str,
    state: State,
) -> None:
    move_keys(rig, "left_elbow", 30)  # held: its type would change
    before = everything(rig)
    operator = press(bundle=slow_bundle)
    operator.send("TIMER")
    operator.run_until(state)
    assert operator.send("ESC") == {"CANCELLED"}
    assert everything(rig) == before
    assert not session.busy and session.notice.text == "Cancelled."


def test_a_failure_in_reading_leaves_everything_as_it_was(
    rig: ArmatureObject, press: Callable[..., Press], session: WorkerSession
) -> None:
    before = everything(rig)
    operator = press()
    for item in (rig, *rig.children):
        item.hide_viewport = True
    assert operator.run_until(None) == {"CANCELLED"}
    assert "is hidden" in session.notice.text and session.notice.is_error
    assert everything(rig) == before


def use_other_slot(rig: ArmatureObject) -> None:
    if not HAS_SLOTS:
        pytest.skip("This Blender's Actions have no slots.")
    rig.animation_data.action_slot = action_of(rig).slots.new(id_type="OBJECT", name="Other")


CHANGES: list[tuple[Callable[[ArmatureObject], object], str]] = [
    (lambda rig: move_keys(rig, "head", 50), "was changed meanwhile"),
    (lambda rig: setattr(rig.animation_data, "action", None), "another Action"),
    (use_other_slot, "another slot"),
    (lambda rig: setattr(bpy.context.scene.render, "fps", 30), "frame rate"),
    (lambda rig: rig.pose.bones["neck"].constraints.new("LIMIT_ROTATION"), ""),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_an_action_that_changes_meanwhile_is_left_alone(
    rig: ArmatureObject,
    press: Callable[..., Press],
    session: WorkerSession,
    change: Callable[[ArmatureObject], object],
    words: str,
) -> None:
    action = action_of(rig)
    operator = press()
    operator.send("TIMER")
    change(rig)
    before = raw_curves(action)
    operator.run_until(None)
    if words:
        assert words in session.notice.text and session.notice.is_error
        assert raw_curves(action) == before


def test_a_write_that_fails_leaves_everything_as_it_was(
    rig: ArmatureObject, inpaint: Inpaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MMMError("The disk of the test is full: try again.")

    move_keys(rig, "left_elbow", 30)
    monkeypatch.setattr(task, "store_fingerprint", fail)
    assert refusal(rig, inpaint) == "The disk of the test is full: try again."


def test_a_doubt_is_answered_by_another_press(rig: ArmatureObject, session: WorkerSession) -> None:
    """Both answers name properties that the operator has, the frames among them."""
    params = task.EditParams("wave", ChosenRange(3, 9, Source.KEYS), seed=4, body_part="UPPER")
    layout = Layout()

    def asked_for(_context: object) -> task.EditParams:
        return params

    asked = SimpleNamespace(params=asked_for, bl_idname="mmm.inpaint")
    operators.RegenerateRange._draw_answers(asked, SimpleNamespace(layout=layout), bpy.context)  # pyright: ignore
    answers = [vars(item[2]) for item in layout.book if isinstance(item, tuple)]
    assert [answer["hold"] for answer in answers] == ["EDITED", "NONE"]
    assert all(answer["sure"] for answer in answers)
    known = bpy.ops.mmm.inpaint.get_rna_type().properties
    for answer in answers:
        assert all(name in known for name in answer)
        assert (answer["frame_start"], answer["frame_end"], answer["seed"]) == (3, 9, 4)


# --- what is drawn --------------------------------------------------------------------------------


def drawn(panel: Any = EditPanel) -> Layout:
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout


@pytest.mark.parametrize("panel", [EditPanel, DopeSheetEditPanel, GraphEditPanel])
def test_the_panel_offers_both(rig: ArmatureObject, panel: Any) -> None:
    layout = drawn(panel)
    shown = layout.buttons()
    assert shown["mmm.inpaint"] and shown["mmm.in_between"]
    assert "Frames 1 to 48, from the fields above" in layout.text


def test_the_panel_says_why_not(rig: ArmatureObject) -> None:
    rig.pose.bones["left_elbow"].constraints.new("LIMIT_ROTATION")
    layout = drawn()
    shown = layout.buttons()
    assert not shown["mmm.inpaint"] and not shown["mmm.in_between"]
    assert "Bake the action first" in layout.text
    bpy.context.scene.mmm.body_part = "LOWER"
    assert drawn().buttons()["mmm.inpaint"]


def test_a_bundle_that_cannot_greys_the_button(rig: ArmatureObject, tmp_path: Path) -> None:
    settings = bpy.context.scene.mmm
    settings.bundle = str(bundle_that_predicts(tmp_path / "whole", ["all"], []))
    assert drawn().buttons()["mmm.inpaint"]
    settings.body_part = "UPPER"
    assert not drawn().buttons()["mmm.inpaint"]
    assert "edit the whole body, not the upper" in drawn().text


def test_while_it_runs_there_is_progress(
    rig: ArmatureObject, press: Callable[..., Press], session: WorkerSession
) -> None:
    press()
    assert "Reading the motion" in drawn().text
    assert "mmm.cancel" in drawn().buttons() and "mmm.inpaint" not in drawn().buttons()
    session.cancel()


def test_a_clip_of_one_frame_is_read(rig: ArmatureObject) -> None:
    assert isinstance(read_motion(rig, 5, 5), MotionClip)


@pytest.mark.parametrize(
    "menu",
    ["DOPESHEET_MT_key", "DOPESHEET_MT_context_menu", "GRAPH_MT_key", "GRAPH_MT_context_menu"],
)
def test_the_editors_of_keys_offer_both(session: WorkerSession, menu: str) -> None:
    draws = getattr(bpy.types, menu).draw._draw_funcs
    assert draws.count(operators.draw_menu) == 1
    layout = Layout()
    layout.separator = lambda: None  # type: ignore[attr-defined]
    operators.draw_menu(SimpleNamespace(layout=layout), bpy.context)
    assert set(layout.buttons()) == {"mmm.inpaint", "mmm.in_between"}
