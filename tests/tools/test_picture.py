"""The demo's pieces: the contact sheet, the stage, the scene (the whole demo is too slow here)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("bpy", reason="Blender's module bpy is not installed in this Python")

from _render import demo  # no use without bpy
from _render.contact_sheet import Quality, Strip, body_moments, contact_sheet

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.worker.protocol import Generated
from tests.geometry.motions import smooth_clip

MOMENTS = 6
SMALL = Quality(width=240, samples=1)
KINDS = ("scenes", "objects", "meshes", "curves", "materials", "worlds", "lights", "cameras")


@pytest.fixture
def rig() -> ArmatureObject:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return create_character(bpy.context)


def _counts() -> dict[str, int]:
    return {kind: len(getattr(bpy.data, kind)) for kind in KINDS}


def _pixels(path: Path) -> FloatArray:
    """(height, width, 3) of an image file, 0 to 1, top row first."""
    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, -1)[::-1, :, :3].astype(np.float64)


def _answer(prompt: str, seed: int) -> Generated:
    clip = smooth_clip(12, seed=seed)
    recipe: dict[str, Any] = {
        "prompt": prompt,
        **{"seconds": 0.6, "seed": seed, "bundle": "tiny", "bundle_hash": "0" * 64},
        **{"addon_version": "0", "sampler": {}, "device": "cpu", "threads": 1},
        **{"torch_version": "0", "pin_feet": True, "tokens": [[0, 0]] * 3, "conditions": {}},
    }
    tokens = np.zeros((3, 2), dtype=np.int64)
    return Generated(1, clip.rotations_TJ4, clip.root_T3, clip.fps, False, tokens, recipe)


def test_a_contact_sheet_shows_every_moment_and_leaves_no_trace(
    rig: ArmatureObject, tmp_path: Path
) -> None:
    strips = [
        Strip("one", write_clip(rig, smooth_clip(20, seed=1), 1)),
        Strip("two", write_clip(rig, smooth_clip(20, seed=2), 1)),
    ]
    bpy.context.scene.frame_set(7)
    before = _counts()
    contact_sheet(rig, strips, tmp_path / "sheet.png", MOMENTS, SMALL)
    assert _counts() == before
    assert rig.animation_data.action == strips[1].action
    assert bpy.context.scene.frame_current == 7

    picture = _pixels(tmp_path / "sheet.png")
    assert picture.shape[1] == SMALL.width
    dark = picture.mean(axis=-1) < 0.75
    assert dark.mean() < 0.5  # bodies on paper, not a grey field
    for row in np.array_split(dark, len(strips), axis=0):
        bodies = np.array_split(row[:, 3:-3], MOMENTS, axis=1)
        assert all(body.mean() > 0.03 for body in bodies)
        shapes = [body[:, : SMALL.width // MOMENTS - 3] for body in bodies]
        assert all((a != b).mean() > 0.01 for a, b in pairwise(shapes))


def test_moments_are_posed_bodies_with_time_and_distance(rig: ArmatureObject) -> None:
    action = write_clip(rig, smooth_clip(21, fps=20.0), 1)
    moments = body_moments(rig, action, MOMENTS)
    assert [moment.seconds for moment in moments] == pytest.approx(
        np.linspace(0.0, 1.0, MOMENTS), abs=0.03
    )
    assert moments[0].metres == 0.0
    assert moments[-1].metres == pytest.approx(1.1, abs=0.2)  # smooth_clip walks 1.1 m/s
    corners = [np.array([vertex.co for vertex in moment.mesh.vertices]) for moment in moments]
    assert np.abs(corners[0] - corners[1]).max() > 0.05


def test_a_rig_without_a_body_is_told(rig: ArmatureObject, tmp_path: Path) -> None:
    action = write_clip(rig, smooth_clip(4), 1)
    bpy.data.objects.remove(rig.children[0])
    with pytest.raises(MMMError, match="has no body to show"):
        contact_sheet(rig, [Strip("x", action)], tmp_path / "sheet.png")


def test_the_scene_has_an_action_a_prompt_and_a_camera_that_follows() -> None:
    answers = [_answer(prompt, seed) for seed, prompt in enumerate(demo.PROMPTS)]
    rig, strips = demo.make_scene(answers)
    scene = bpy.context.scene
    assert [strip.title for strip in strips] == list(demo.PROMPTS)
    assert rig.animation_data.action == strips[0].action
    assert {action.name for action in bpy.data.actions} == set(demo.PROMPTS)
    assert all(strip.action.use_fake_user for strip in strips[1:])
    scene.frame_set(scene.frame_end)
    bpy.context.view_layer.update()
    pelvis = rig.matrix_world @ rig.pose.bones["pelvis"].head
    distance = (scene.camera.matrix_world.translation - pelvis).length
    scene.frame_set(1)
    pelvis = rig.matrix_world @ rig.pose.bones["pelvis"].head
    assert distance == pytest.approx(
        (scene.camera.matrix_world.translation - pelvis).length, abs=0.2
    )


def test_missing_weights_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--bundle", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("demo: There are no weights in")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
