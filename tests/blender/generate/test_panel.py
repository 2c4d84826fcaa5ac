"""What the panel says. A layout of ours notes what is drawn, and that Blender knows all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.batch import command
from mmm_blender.blender.addon import (
    bundle_cards,
    choices,
    device_panel,
    disk_facts,
    paths,
    preferences,
    worker_python,
)
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.character.panel import CharacterPanel
from mmm_blender.blender.generate import panel as motion_panel
from mmm_blender.blender.jobs.session import Job, Notice, State, WorkerSession
from mmm_blender.common.errors import MMMError
from mmm_blender.worker.protocol import FailureKind
from tests.blender.helpers import drawing
from tests.blender.helpers.drawing import Layout


def drawn(panel: Any = motion_panel.MotionPanel) -> Layout:
    return drawing.drawn(panel)


@pytest.fixture
def ready(session: WorkerSession, monkeypatch: pytest.MonkeyPatch) -> WorkerSession:
    """The worker's Python is there."""
    monkeypatch.setattr(disk_facts, "find_python", lambda: (Path("python"), ""))
    return session


def only_weights_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def folders(_own: Path) -> list[Path]:
        return [folder]

    monkeypatch.setattr(disk_facts, "weight_folders", folders)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two bundles, and no other bundle anywhere."""
    for name, licence in (("starter", "CC-BY-NC-4.0"), ("mine", "")):
        config = {
            "name": f"The {name} weights",
            "licence": licence,
            "tokenizer": {"layout": "smpl_269", "stages": 2, "parts": ["lower", "upper"]},
            "transformer": {"places": 50},
        }
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config))
    only_weights_in(tmp_path, monkeypatch)
    return tmp_path


def test_all_is_there_to_press(ready: WorkerSession, weights: Path) -> None:
    layout = drawn()
    for field in ("prompt", "seconds", "seed"):
        assert f"prop {field}" in layout.text
    assert layout.buttons()["mmm.generate"]
    assert "mmm.set_up_environment" not in layout.buttons()
    assert "On a new character, from frame 1" in layout.text


def test_the_licence_is_said_plainly(ready: WorkerSession, weights: Path) -> None:
    assert "Weights: CC BY-NC 4.0 Not for commercial use" in drawn().text
    bpy.context.scene.mmm.bundle = "mine"
    assert "Licence not stated" in drawn().text


def test_too_long_and_empty_are_greyed_with_the_reason(ready: WorkerSession, weights: Path) -> None:
    settings = bpy.context.scene.mmm
    settings.seconds = 12.0
    assert "at most 9.8 seconds" in drawn().text.replace("  ", " ")
    assert not drawn().buttons()["mmm.generate"]
    config = weights / "starter" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"min_seconds": 1.0}))
    settings.seconds = 0.5
    assert "less than 1 s" in drawn().text.replace("  ", " ")
    assert not drawn().buttons()["mmm.generate"]
    settings.seconds, settings.prompt = 9.8, "  "
    assert "Say in a few words" in drawn().text
    assert not drawn().buttons()["mmm.generate"]
    settings.prompt = "a person walks"
    assert drawn().buttons()["mmm.generate"]


def test_without_a_python_set_up_stands_beside_the_reason(
    session: WorkerSession, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(command.PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(worker_python, "_host_has_runtime", lambda: False)
    monkeypatch.setattr(worker_python, "runtime_folders", lambda: ())
    layout = drawn()
    assert not layout.buttons()["mmm.generate"]
    assert layout.buttons()["mmm.set_up_environment"]
    assert "press Set Up" in layout.text


def test_while_a_job_runs_there_is_progress_and_cancel(ready: WorkerSession, weights: Path) -> None:
    ready.job = Job(1, ready.clock(), State.GENERATING, step=5, steps=10)
    layout = drawn()
    assert "Generating 5 of 10" in layout.text and "progress 0.57" in layout.text
    assert "mmm.cancel" in layout.buttons() and "mmm.generate" not in layout.buttons()


def test_the_last_message_stays_and_memory_offers_the_cpu(
    ready: WorkerSession, weights: Path
) -> None:
    ready.notice = Notice(
        "The GPU is full: use the CPU.", is_error=True, kind=FailureKind.OUT_OF_MEMORY
    )
    assert "The GPU is full: use the CPU." in drawn().text
    assert "mmm.generate_on_cpu" in drawn().buttons()


def test_the_target_is_named(ready: WorkerSession, weights: Path) -> None:
    bpy.ops.mmm.add_character()
    assert "On MMM Character, from frame 1" in drawn().text
    rig = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    bpy.context.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    assert "'Crane' follow no convention" in drawn().text
    assert not drawn().buttons()["mmm.generate"]


def test_without_weights_the_panel_says_so(
    ready: WorkerSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    only_weights_in(tmp_path / "nowhere", monkeypatch)
    assert "There are no weights" in drawn().text
    assert not drawn().buttons()["mmm.generate"]


@pytest.mark.parametrize(
    "panel",
    [CharacterPanel, device_panel.DevicePanel, motion_panel.ExamplesMenu, motion_panel.BundlesMenu],
)
def test_the_other_panels_and_menus_draw(ready: WorkerSession, weights: Path, panel: Any) -> None:
    assert drawn(panel).buttons()


def test_an_example_becomes_the_prompt(ready: WorkerSession) -> None:
    layout = drawn(motion_panel.ExamplesMenu)
    values = layout.book[1][2]
    bpy.ops.wm.context_set_string(data_path=values.data_path, value=values.value)
    assert bpy.context.scene.mmm.prompt == motion_panel.EXAMPLES[1]


def test_the_preferences_draw_in_every_state(
    session: WorkerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    addons = bpy.context.preferences.addons
    addons.new().module = paths.ROOT_PACKAGE
    try:
        stored = choices.preferences()
        assert stored is not None
        for source in (choices.OWN, choices.CHOSEN):
            stored.python_source = source
            layout = Layout()
            preferences.draw_page(layout, bpy.context, stored)
            shown = layout.buttons()
            assert ("mmm.set_up_environment" in shown) == (source == choices.OWN)
            assert "mmm.check_worker" in shown and "prop threads" in layout.text
    finally:
        addons.remove(addons[paths.ROOT_PACKAGE])


# --- bundles --------------------------------------------------------------------------------------


def test_bundles_are_found_with_the_starter_first(weights: Path) -> None:
    cards = bundle_cards.find_bundles([weights, weights / "nowhere"])
    assert [card.key for card in cards] == ["starter", "mine"]
    assert cards[0].limits is not None
    assert cards[0].limits.max_seconds == pytest.approx(9.8)


def test_a_bundle_is_named_by_folder_path_or_not_at_all(weights: Path) -> None:
    cards = bundle_cards.find_bundles([weights])
    assert bundle_cards.choose_bundle(cards, "").key == "starter"
    assert bundle_cards.choose_bundle(cards, "mine").key == "mine"
    assert bundle_cards.choose_bundle([], str(weights / "mine")).key == "mine"
    with pytest.raises(MMMError, match="'yours' are not there"):
        bundle_cards.choose_bundle(cards, "yours")
    with pytest.raises(MMMError, match="There are no weights"):
        bundle_cards.choose_bundle([], "")


def test_a_config_that_changes_is_read_again(weights: Path) -> None:
    config = weights / "mine" / "config.json"
    assert bundle_cards.read_card(config.parent).name == "The mine weights"
    config.write_text("{")
    assert "cannot be read" in bundle_cards.read_card(config.parent).poll_error
    config.unlink()
    assert "cannot be read" in bundle_cards.read_card(config.parent).poll_error
