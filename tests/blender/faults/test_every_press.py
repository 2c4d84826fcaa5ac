"""Every operator in every situation is done, or says one sentence and the scene is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import mmm_blender
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig import armature
from tests.blender.faults.scene_state import scene_state
from tests.blender.faults.situations import SITUATIONS, save_cast

ELSEWHERE = {
    *("set_up_environment", "repair_environment", "open_manual", "check_worker"),
    *("add_weights", "remove_weights", "first_use", "use_environment", "remove_environment"),
    *("choose_checkpoint", "import_checkpoint", "report_bug", "open_worker_log", "cancel_set_up"),
    "choose_body_model",  # adds a character, as add_character does
}
"""Operators that do not look at the scene; most reach for the network, a browser or the disk."""


@pytest.fixture(autouse=True, scope="module")
def one_mannequin() -> Iterator[None]:
    """Which takes a second to make, for each character that is added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(armature, "mannequin", cache(armature.mannequin))
        yield


@pytest.fixture(scope="module")
def walk(
    registered: WorkerSession, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A file with a character, its motion, and files of that beside it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    settings = bpy.context.scene.mmm
    settings.bundle, settings.prompt, settings.seconds = str(tiny_bundle), "a person waves", 0.5
    assert bpy.ops.mmm.generate() == {"FINISHED"}
    path = tmp_path_factory.mktemp("cast") / "walk.blend"
    save_cast(path)
    assert bpy.ops.mmm.export_motion(filepath=str(path.with_suffix(".bvh"))) == {"FINISHED"}
    assert bpy.ops.mmm.rig_save(filepath=str(path.with_suffix(".json"))) == {"FINISHED"}
    return path


def given(walk: Path) -> dict[str, dict[str, Any]]:
    """Arguments of operators that need some."""
    span = {"frame_start": 5, "frame_end": 9}
    return {
        "import_motion": {"filepath": str(walk.with_suffix(".bvh"))},
        "export_motion": {"filepath": str(walk.with_name("again.bvh"))},
        "rig_load": {"filepath": str(walk.with_suffix(".json"))},
        "rig_save": {"filepath": str(walk.with_name("again.json"))},
        "inpaint": span,
        "in_between": span,
    }


def operators() -> list[str]:
    return sorted(set(dir(bpy.ops.mmm)) - ELSEWHERE)


def pressed(name: str, arguments: dict[str, Any]) -> str:
    """What an operator says against it; "" where it was done."""
    try:
        done = getattr(bpy.ops.mmm, name)(**arguments)
    except RuntimeError as error:
        return str(error).strip()
    return "" if done == {"FINISHED"} else "cancelled"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_press_is_done_or_changes_nothing(
    session: WorkerSession, walk: Path, tiny_bundle: Path, situation: str
) -> None:
    before: dict[str, Any] = {}
    for name in operators():
        if not before:
            SITUATIONS[situation](walk)
            settings = bpy.context.scene.mmm
            settings.bundle, settings.prompt = str(tiny_bundle), "a person waves"
            settings.seconds = 0.5
            before = scene_state()
        sentence = pressed(name, given(walk).get(name, {}))
        if not sentence:
            before = {}
            continue
        assert scene_state() == before, (name, sentence)
        assert "\n" not in sentence and "Traceback" not in sentence, (name, sentence)
        assert "Blender refused that" not in sentence, (name, sentence)


def test_no_error_of_an_operator_escapes_as_a_traceback(session: WorkerSession) -> None:
    """Each of ours answers for what it meets, also those that no situation above makes fail."""
    found = [
        each
        for each in bpy.types.Operator.__subclasses__()
        if each.__module__.startswith(f"{mmm_blender.__name__}.")
    ]
    assert len(found) > 50
    for operator in found:
        for name in ("execute", "invoke"):
            method = getattr(operator, name, None)
            own = method is not None and method.__module__.startswith(mmm_blender.__name__)
            assert not own or hasattr(method, "__wrapped__"), (operator, name)


def test_a_library_override_keeps_what_is_made_for_it(
    session: WorkerSession, walk: Path, tiny_bundle: Path
) -> None:
    """Before: a TypeError of Blender's, since an override takes no rows in the list of takes."""
    SITUATIONS["override"](walk)
    path = walk.with_name("shot.blend")
    asked = {"prompt": "a person jumps", "seconds": 0.5, "bundle": str(tiny_bundle), "takes": 2}
    assert bpy.ops.mmm.generate(**asked) == {"FINISHED"}
    actions = {each.name for each in bpy.data.actions if each.library is None}
    rig = bpy.context.view_layer.objects.active
    played, heads = rig.animation_data.action.name, _heads(rig)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    rig = next(each for each in bpy.data.objects if each.type == "ARMATURE" and not each.library)
    assert len(actions) == 2
    assert {each.name for each in bpy.data.actions if each.library is None} == actions
    assert rig.animation_data.action.name == played
    assert _heads(rig) == heads


def _heads(rig: Any) -> list[tuple[float, ...]]:
    bpy.context.scene.frame_set(9)
    return [tuple(round(x, 5) for x in bone.head) for bone in rig.pose.bones]
