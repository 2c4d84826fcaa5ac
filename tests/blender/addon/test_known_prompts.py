"""What the panel says of a prompt before the press, and the list of what the weights know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmm_blender.blender.addon import disk_facts, known_prompts
from mmm_blender.blender.addon.bundle_cards import read_card
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.edit.panel import EditPanel
from mmm_blender.blender.generate.panel import MotionPanel
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.sequence.panel import SequencePanel
from mmm_blender.prompts.knowledge import (
    KNOWLEDGE_FILE,
    Knowledge,
    KnownGroup,
    KnownPrompt,
    Neighbour,
    to_bytes,
)
from tests.blender.helpers.drawing import Layout, drawn

GESTURES = tuple(KnownPrompt(f"a person waves {n} times", f"waves {n} times", n) for n in range(80))
KNOWN = Knowledge(
    (
        KnownGroup("Locomotion", (KnownPrompt("a person walks forward", "walks forward", 9),)),
        KnownGroup("Gestures", GESTURES),
    ),
    {"person": 9, "walks": 9, "forward": 9, "waves": 5, "plays": 2, "bows": 2},
    {"violin": Neighbour(("waves", "dances"), 0.38)},
)


def write_bundle(folder: Path, composites: bool) -> None:
    config = {
        "name": folder.name,
        "licence": "CC0-1.0",
        "min_seconds": 1.0,
        "composites": composites,
        "tokenizer": {"layout": "smpl_269", "stages": 2, "parts": ["lower", "upper"]},
        "transformer": {"places": 50},
    }
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.fixture
def weights(session: WorkerSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The starter, which says what it knows, and no other bundle."""
    folder = tmp_path / "starter"
    write_bundle(folder, composites=True)
    (folder / KNOWLEDGE_FILE).parent.mkdir()
    (folder / KNOWLEDGE_FILE).write_bytes(to_bytes(KNOWN))

    def folders(_own: Path) -> list[Path]:
        return [tmp_path]

    monkeypatch.setattr(disk_facts, "weight_folders", folders)
    monkeypatch.setattr(disk_facts, "find_python", lambda: (Path("python"), ""))
    return folder


def said(prompt: str) -> str:
    bpy.context.scene.mmm.prompt = prompt
    return " ".join(drawn(MotionPanel).text.split())


def test_the_default_prompt_is_known(weights: Path) -> None:
    assert bpy.context.scene.mmm.prompt == "a person walks forward"
    text = drawn(MotionPanel).text
    assert "Never seen" not in text and "sequence" not in text
    assert "popover MMM_PT_known_prompts" in text


def test_what_was_not_understood_stands_under_the_prompt(weights: Path) -> None:
    assert "Never seen: 'violin'. Nearest: 'waves', 'dances'." in said("a person plays the violin")
    assert "Did you mean 'walks'?" in said("a person wlaks")
    bpy.context.scene.mmm.edit_prompt = "a person plays the violin"
    bpy.ops.mmm.sequence_add(prompt="a person plays the violin")
    for panel in (EditPanel, SequencePanel):
        assert "Never seen: 'violin'" in " ".join(drawn(panel).text.split())


def test_what_a_prompt_counts_has_its_time(weights: Path) -> None:
    assert "takes about 2.6 s" in said("a person walks four steps")
    bpy.context.scene.mmm.seconds = 2.6
    assert "takes about" not in said("a person walks four steps")


def test_a_prompt_that_becomes_a_sequence_says_so(weights: Path) -> None:
    three = "a person walks forward, then waves, then bows"
    assert "Becomes a sequence of 3 prompts: 4 + 3 + 3 s." in said(three)
    assert "sequence" not in said("a person walks forward, then waves")
    write_bundle(weights, composites=False)
    assert "Becomes a sequence of 2" in said("a person walks forward, then waves")


def test_a_sequence_may_be_longer_than_a_clip(weights: Path) -> None:
    bpy.context.scene.mmm.seconds = 15.0
    assert "at most 9.8 seconds" in said("a person walks forward")
    assert "at most 9.8 seconds" not in said("a person walks, then bows, then waves")


def test_weights_that_say_nothing_have_no_list_and_no_notes(weights: Path) -> None:
    (weights / KNOWLEDGE_FILE).unlink()
    text = said("ein Mann spielt Geige")
    assert "English" not in text and "popover" not in text


def listed(search: str) -> Layout:
    layout = Layout()
    known_prompts.draw_known(layout, KNOWN, search)
    return layout


def test_the_list_is_grouped_and_searched(weights: Path) -> None:
    bpy.context.window_manager.mmm_known_search = "walk"
    layout = drawn(known_prompts.KnownPromptsPanel)
    assert "prop mmm_known_search Locomotion" in layout.text
    assert "Gestures" not in layout.text
    bpy.context.window_manager.mmm_known_search = ""
    assert "Nothing Known Fits" in listed("violin").text


def test_a_long_list_stops_and_says_so(weights: Path) -> None:
    shown = [item for item in listed("").book if isinstance(item, tuple)]
    assert len(shown) == 60
    assert "search for a word" in listed("").text
    assert "search for a word" not in listed("forward").text


def test_an_entry_writes_the_prompt(weights: Path) -> None:
    assert bpy.ops.mmm.use_prompt(prompt="a person bows") == {"FINISHED"}
    assert bpy.context.scene.mmm.prompt == "a person bows"


def test_a_press_reads_the_file_itself(weights: Path) -> None:
    parts = known_prompts.prompt_parts(read_card(weights), "walks, turns left, bows", 4.0)
    assert [part.prompt for part in parts] == ["walks", "turns left", "bows"]
