"""Takes without the model: remembered, chosen, kept and discarded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmm_blender.blender.bpy_types import Action, ArmatureObject, bpy
from mmm_blender.blender.history import new_action
from mmm_blender.blender.history.recipe_store import RECIPE_PROPERTY
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.takes import take_list
from mmm_blender.blender.takes.panel import TakesPanel, advice
from mmm_blender.blender.takes.take_list import TakeFacts
from mmm_blender.common.errors import MMMError
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.rigs import STYLES, build_rig, wild_clip


@pytest.fixture
def rig(session: WorkerSession) -> ArmatureObject:
    return build_rig(STYLES["all bones up"])


def press(rig: ArmatureObject, count: int, seed: int = 0) -> list[Action]:
    """As many takes of one press as Generate Motion leaves."""
    take_list.remember_played(rig)
    first = new_action.write_clip(rig, wild_clip(4, wildness=0.1 * seed), 1)
    rest = [
        new_action.make_action(rig, wild_clip(4, wildness=0.1 * (seed + i)), 1)
        for i in range(1, count)
    ]
    made = [first, *rest]
    for action in made:
        action[RECIPE_PROPERTY] = "{}"
    facts = [TakeFacts(f"prompt {seed}", seed + i) for i in range(count)]
    take_list.record(rig, bpy.context.scene, list(zip(made, facts, strict=True)))
    return made


def listed(rig: ArmatureObject) -> list[Action | None]:
    return [take.action for take in rig.mmm_takes.takes]


def played(rig: ArmatureObject) -> Any:
    return rig.animation_data.action


def test_the_first_of_a_press_plays_and_none_has_a_fake_user(rig: ArmatureObject) -> None:
    made = press(rig, 3)
    assert listed(rig) == made and played(rig) == made[0] and rig.mmm_takes.active == 0
    again = press(rig, 2, seed=5)
    assert listed(rig) == made + again and played(rig) == again[0] and rig.mmm_takes.active == 3
    assert not any(action.use_fake_user for action in bpy.data.actions)


def test_a_row_that_is_chosen_plays(rig: ArmatureObject) -> None:
    made = press(rig, 3)
    for index in (2, 0, 1):
        rig.mmm_takes.active = index
        assert played(rig) == made[index] and listed(rig) == made
    assert bpy.ops.mmm.step_take(direction="NEXT") == {"FINISHED"}
    assert played(rig) == made[2]
    assert bpy.ops.mmm.step_take(direction="NEXT") == {"FINISHED"}
    assert played(rig) == made[0], "round and round"


def test_keep_has_the_others_of_its_press_go(rig: ArmatureObject) -> None:
    before = press(rig, 1)
    made = press(rig, 3, seed=5)
    rig.mmm_takes.active = 2
    kept = played(rig)
    assert kept == made[1] and bpy.ops.mmm.keep_take() == {"FINISHED"}
    assert listed(rig) == [*before, kept] and played(rig) == kept and rig.mmm_takes.active == 1
    assert len(bpy.data.actions) == 2


def test_discard_plays_the_next_and_at_last_what_there_was_before(rig: ArmatureObject) -> None:
    own = bpy.data.actions.new("mine")
    rig.animation_data_create().action = own
    made = press(rig, 2)
    bpy.ops.mmm.discard_take()
    assert listed(rig) == [own, made[1]] and played(rig) == made[1]
    bpy.ops.mmm.discard_take()
    assert listed(rig) == [own] and played(rig) == own and list(bpy.data.actions) == [own]
    bpy.ops.mmm.discard_take()
    assert played(rig) is None and own.use_fake_user, "a person's own Action is never lost"
    with pytest.raises(RuntimeError, match="no takes yet"):
        bpy.ops.mmm.discard_take()


def test_so_many_are_kept_as_the_person_wants(rig: ArmatureObject) -> None:
    bpy.context.scene.mmm.kept_takes = 2
    press(rig, 2)
    last = press(rig, 1, seed=5)
    assert len(listed(rig)) == 2 and len(bpy.data.actions) == 2
    many = press(rig, 4, seed=9)
    assert listed(rig) == many, "those of the last press stay"
    assert last[0] not in list(bpy.data.actions)


def test_an_action_that_another_character_plays_stays(rig: ArmatureObject) -> None:
    made = press(rig, 2)
    other = build_rig(STYLES["all bones up"])
    other.animation_data_create().action = made[1]
    bpy.context.view_layer.objects.active = rig
    assert bpy.ops.mmm.keep_take() == {"FINISHED"}
    assert other.animation_data.action == made[1] and listed(rig) == [made[0]]


def test_deleted_and_renamed_actions(rig: ArmatureObject) -> None:
    made = press(rig, 3)
    made[1].name = "renamed"
    bpy.data.actions.remove(made[2])
    with pytest.raises(MMMError, match="was deleted"):
        take_list.choose(rig, 2)
    assert played(rig) == made[0]
    rig.mmm_takes.active = 1
    assert played(rig) == made[1]
    bpy.ops.mmm.keep_take()
    assert listed(rig) == [made[1]]


def test_takes_are_in_the_saved_file(rig: ArmatureObject, tmp_path: Any) -> None:
    press(rig, 3)
    path = str(tmp_path / "takes.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    found = next(each for each in bpy.data.objects if each.type == "ARMATURE")
    assert len(listed(found)) == 3 and None not in listed(found)
    assert [take.seed for take in found.mmm_takes.takes] == [0, 1, 2]


def test_the_panel_says_what_the_figures_mean(rig: ArmatureObject) -> None:
    press(rig, 2)
    text = drawn(TakesPanel).text
    assert "list takes 2" in text and "\u201cprompt 0\u201d" in text
    take = rig.mmm_takes.takes[0]
    take.slide, take.seam, take.arrival = 20.0, 3.0, 30.0
    said = " ".join(advice(take))
    assert "20 cm/s" in said and "jumps at a seam" in said and "to arrive" in said


STEPS = st.lists(
    st.tuples(st.sampled_from(["press", "choose", "keep", "discard"]), st.integers(0, 5)),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_whatever_is_done_the_list_and_what_plays_agree(
    session: WorkerSession, steps: list[tuple[str, int]]
) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig = build_rig(STYLES["all bones up"])
    for kind, number in steps:
        rows = len(rig.mmm_takes.takes)
        if kind == "press":
            press(rig, 1 + number % 3, seed=number)
        elif rows and kind == "choose":
            rig.mmm_takes.active = number % rows
        elif rows and kind == "keep":
            take_list.keep(rig)
        elif rows:
            take_list.discard(rig)
        assert None not in listed(rig)
        names = [action.name for action in listed(rig) if action is not None]
        assert len(set(names)) == len(names) == len(bpy.data.actions)
        if names:
            active = rig.mmm_takes.takes[rig.mmm_takes.active].action
            assert played(rig) == active
