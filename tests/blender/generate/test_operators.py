"""The operators from a script, through the real worker process."""

from __future__ import annotations

import importlib
import json
import math
import os
import shutil
import signal
import threading
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.batch import command
from mmm_blender.blender.bpy_types import Action, bpy
from mmm_blender.blender.fcurves import layered_actions
from mmm_blender.blender.history import recipe, recipe_store
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig import armature, motion_reader
from mmm_blender.common.array_text import unpack
from mmm_blender.geometry.skeleton import SMPL, SMPL_22
from mmm_blender.worker.protocol import FailureKind

Generate = Callable[..., set[str]]
SECONDS = 1.0


@pytest.fixture
def generate(session: WorkerSession, tiny_bundle: Path, worker_python: Path) -> Generate:
    """bpy.ops.mmm.generate with the tiny weights, unless others are asked for."""

    def call(**arguments: Any) -> set[str]:
        defaults = {"prompt": "a person waves", "seconds": SECONDS, "bundle": str(tiny_bundle)}
        return set(bpy.ops.mmm.generate(**(defaults | arguments)))

    return call


def inventory() -> dict[str, Any]:
    """What the file holds."""
    scene = bpy.context.scene
    return {
        "objects": [item.name for item in bpy.data.objects],
        "actions": [item.name for item in bpy.data.actions],
        "armatures": [item.name for item in bpy.data.armatures],
        "frames": (scene.frame_start, scene.frame_end, scene.frame_current),
    }


def keys(rig: Any) -> dict[tuple[str, int], list[float]]:
    curves = layered_actions.action_fcurves(rig.animation_data.action)
    return {
        (curve.data_path, curve.array_index): [v for p in curve.keyframe_points for v in p.co]
        for curve in curves
    }


def refusal(call: Callable[[], object]) -> str:
    """The sentence of a call that must fail and leave everything as it was."""
    before = inventory()
    with pytest.raises(RuntimeError) as caught:
        call()
    assert inventory() == before
    lines = str(caught.value).strip().splitlines()
    assert len(lines) == 1
    return lines[0].removeprefix("Error: ")


def add_strange_rig() -> Any:
    rig = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    bpy.context.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    return rig


def test_a_prompt_becomes_keys_on_a_new_character(
    generate: Generate, session: WorkerSession
) -> None:
    assert generate(seed=3) == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    assert rig.type == "ARMATURE"
    assert {bone.name for bone in rig.data.bones} == set(SMPL.names)
    curves = layered_actions.action_fcurves(rig.animation_data.action)
    frames = {key.co[0] for curve in curves for key in curve.keyframe_points}
    assert frames == set(range(1, 1 + round(SECONDS * bpy.context.scene.render.fps)))
    assert {key.type for curve in curves for key in curve.keyframe_points} == {"GENERATED"}
    assert sum("rotation" in curve.data_path for curve in curves) >= 3 * len(SMPL_22)
    assert session.notice.text == f"Keyed '{rig.name}' from frame 1 to 24."


def only_step(action: Action) -> recipe.GenerateStep:
    found = recipe_store.load_recipe(action)
    assert found is not None
    (step,) = found.steps
    assert isinstance(step, recipe.GenerateStep)
    return step


def test_the_recipe_says_how_it_was_made(generate: Generate, tiny_bundle: Path) -> None:
    generate(prompt="a person walks", seconds=0.8, seed=11)
    action = bpy.context.view_layer.objects.active.animation_data.action
    step = only_step(action)
    assert (step.prompt, step.seconds, step.seed) == ("a person walks", 0.8, 11)
    assert step.origin.bundle == json.loads((tiny_bundle / "config.json").read_text())["name"]
    assert len(step.origin.bundle_hash) == 64
    tokens = unpack(step.tokens)
    assert tokens.ndim == 2
    assert len(tokens) == 4, "0.8 s are four tokens"


def test_the_same_seed_gives_the_same_keys_and_another_seed_others(generate: Generate) -> None:
    found: list[dict[tuple[str, int], list[float]]] = []
    for seed in (5, 5, 6):
        bpy.ops.mmm.add_character()
        generate(seed=seed)
        found.append(keys(bpy.context.view_layer.objects.active))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_fields_of_the_panel_are_the_defaults(session: WorkerSession, tiny_bundle: Path) -> None:
    settings = bpy.context.scene.mmm
    settings.prompt, settings.seconds, settings.seed = "a person waves", 0.6, 8
    settings.bundle = str(tiny_bundle)
    assert bpy.ops.mmm.generate() == {"FINISHED"}
    step = only_step(bpy.context.view_layer.objects.active.animation_data.action)
    assert (step.prompt, step.seconds, step.seed) == ("a person waves", 0.6, 8)


def test_the_active_character_is_used_and_its_action_kept(generate: Generate) -> None:
    bpy.ops.mmm.add_character()
    rig = bpy.context.view_layer.objects.active
    generate(seed=1)
    first = rig.animation_data.action
    generate(seed=2)
    assert bpy.context.view_layer.objects.active == rig
    assert len([item for item in bpy.data.objects if item.type == "ARMATURE"]) == 1
    assert rig.animation_data.action != first
    assert first in [take.action for take in rig.mmm_takes.takes]
    assert first.users == 1 and not first.use_fake_user, "the list keeps it"


def test_the_body_stands_for_its_armature(generate: Generate) -> None:
    bpy.ops.mmm.add_character()
    rig = bpy.context.view_layer.objects.active
    bpy.context.view_layer.objects.active = rig.children[0]
    generate()
    assert rig.animation_data.action is not None


def test_it_starts_at_the_current_frame_and_extends_the_end(generate: Generate) -> None:
    scene = bpy.context.scene
    scene.frame_end = 40
    scene.frame_set(30)
    generate()
    action = bpy.context.view_layer.objects.active.animation_data.action
    assert tuple(action.frame_range) == (30.0, 53.0)
    assert scene.frame_end == 53
    scene.frame_set(1)
    scene.frame_end = 250
    generate()
    assert scene.frame_end == 250


def test_it_starts_where_the_character_stands_and_as_it_faces(generate: Generate) -> None:
    generate(seed=1, seconds=2.0)
    rig = bpy.context.view_layer.objects.active
    bpy.context.scene.frame_set(40)
    before = motion_reader.current_placement(rig)
    assert abs(before.x) + abs(before.z) + abs(before.yaw) > 1e-3
    generate(seed=2, existing="REPLACE")
    bpy.context.view_layer.update()
    after = motion_reader.current_placement(rig)
    assert (after.x, after.z) == pytest.approx((before.x, before.z), abs=1e-4)
    assert math.remainder(after.yaw - before.yaw, math.tau) == pytest.approx(0.0, abs=1e-4)


def test_it_works_in_pose_mode(generate: Generate) -> None:
    bpy.ops.mmm.add_character()
    bpy.ops.object.mode_set(mode="POSE")
    generate()
    assert bpy.context.mode == "POSE"
    assert bpy.context.view_layer.objects.active.animation_data.action is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": " \n"}, "prompt is empty"),
        ({"prompt": "a" * 10_000}, "10,000 characters: shorten it to 2,000"),
        ({"seconds": 0.0}, "0.2 to 9.8 seconds of motion, not 0:"),
        ({"seconds": -3.0}, "0.2 to 9.8 seconds of motion, not -3:"),
        ({"seconds": math.nan}, "not nan"),
        ({"seconds": math.inf}, "not 3.4"),
        ({"seconds": 10.0}, "0.2 to 9.8 seconds of motion, not 10:"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"bundle": "nowhere"}, "'nowhere' are not there"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    generate: Generate, session: WorkerSession, arguments: dict[str, Any], words: str
) -> None:
    sentence = refusal(lambda: generate(**arguments))
    assert words in sentence
    assert session.notice.is_error and session.notice.text == sentence


def test_a_truncated_bundle_is_refused(
    generate: Generate, tiny_bundle: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_bundle, broken)
    weights = broken / "transformer.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "truncated" in refusal(lambda: generate(bundle=str(broken)))
    (broken / "config.json").write_text("{")
    assert "damaged" in refusal(lambda: generate(bundle=str(broken)))
    assert generate() == {"FINISHED"}


def test_an_armature_of_another_kind_is_left_alone(generate: Generate) -> None:
    rig = add_strange_rig()
    sentence = refusal(generate)
    assert "'Crane' follow no convention" in sentence
    rig.select_set(False)  # active only in name: a character is added
    assert generate() == {"FINISHED"}
    assert rig.animation_data is None


def test_edit_mode_is_no_place_to_generate(generate: Generate) -> None:
    bpy.ops.mmm.add_character()
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Object Mode or Pose Mode"):
        generate()


@pytest.fixture
def slow_bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that takes so many steps that anything can happen to it before it is done."""
    slow = tmp_path / "slow"
    shutil.copytree(tiny_bundle, slow)
    config = json.loads((slow / "config.json").read_text())
    config["sampler"]["steps"] = 1000  # the most that a config may ask for
    (slow / "config.json").write_text(json.dumps(config))
    return slow


def test_a_killed_worker_costs_nothing_but_the_motion(
    generate: Generate, session: WorkerSession, slow_bundle: Path
) -> None:
    generate()
    assert session.client is not None and session.client.alive

    ended = threading.Event()

    def kill_while_busy() -> None:
        """Also the one that begins the job again."""
        while not ended.wait(0.05):
            if session.busy:
                kill_worker()

    killer = threading.Thread(target=kill_while_busy)
    killer.start()
    try:
        sentence = refusal(lambda: generate(seconds=9.0, bundle=str(slow_bundle)))
    finally:
        ended.set()
        killer.join()
    assert "ended unexpectedly" in sentence and "try again" in sentence
    assert generate() == {"FINISHED"}


def kill_worker() -> None:
    """End this process's child that runs the worker."""

    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            command = stat.with_name("cmdline").read_text()
        except (OSError, ValueError):
            continue
        if parent == os.getpid() and "worker.__main__" in command:
            os.kill(int(stat.parent.name), signal.SIGKILL)


def bare_python(folder: Path, *packages: str) -> Path:
    """A virtual environment that has nothing but some packages of this Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for package in packages:
        source = Path(str(importlib.import_module(package).__file__)).parent
        for part in (source, source.with_name(f"{package}.libs")):
            if part.exists():
                (site / part.name).symlink_to(part)
    return folder / "bin" / "python"


def test_a_python_without_onnxruntime_greys_the_button(
    generate: Generate, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a short path: Blender cuts the reason at 256 characters
    python = bare_python(tmp_path_factory.mktemp("bare"), "numpy")
    with monkeypatch.context() as patch:
        patch.setenv(command.PYTHON_VARIABLE, str(python))
        sentence = refusal(generate)
        assert str(python) in sentence and "onnxruntime" in sentence and "Set Up" in sentence
        with pytest.raises(RuntimeError) as caught:  # now it is known before the press
            generate()
        assert "poll()" in str(caught.value) and sentence in str(caught.value)
    assert generate() == {"FINISHED"}


def test_a_python_that_cannot_run_the_worker_at_all_is_said(
    generate: Generate,
    session: WorkerSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(command.PYTHON_VARIABLE, str(bare_python(tmp_path / "bare")))
    assert "No module named 'numpy'" in refusal(generate)
    assert session.notice.kind == FailureKind.ENVIRONMENT
    monkeypatch.setenv(command.PYTHON_VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(RuntimeError, match="There is no Python"):
        generate()


def test_add_character_makes_it_active_at_the_cursor(session: WorkerSession) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 0.0)
    assert bpy.ops.mmm.add_character() == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    assert rig.select_get() and len(rig.data.bones) == len(SMPL)
    assert tuple(rig.location) == (1.0, 2.0, 0.0)
    assert isinstance(armature.find_smpl_bones(rig), dict)


def test_a_missing_model_file_is_said(session: WorkerSession) -> None:
    sentence = refusal(lambda: bpy.ops.mmm.add_character(model_path="/nowhere/SMPL.npz"))
    assert "There is no file" in sentence


@pytest.fixture(scope="module")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic body models in the published formats, and one that runs code."""
    body_files = pytest.importorskip("tests.motion.body_files", reason="it writes files with SciPy")
    folder = tmp_path_factory.mktemp("models")
    body_files.write_npz(folder / "SMPL.npz", body_files.arrays("smpl"))
    body_files.write_npz(folder / "SMPLX.npz", body_files.arrays("smplx"))
    (folder / "EVIL.pkl").write_bytes(
        b"cos\nsystem\n(S'touch %s'\ntR." % str(folder / "ran").encode()
    )
    return folder


@pytest.mark.parametrize(("file", "joints", "vertices"), [("SMPL", 24, 6890), ("SMPLX", 55, 10475)])
def test_a_body_model_file_becomes_a_character(
    generate: Generate, model_files: Path, file: str, joints: int, vertices: int
) -> None:
    path = str(model_files / f"{file}.npz")
    assert bpy.ops.mmm.add_character(model_path=path, betas=(1.0,) + (0.0,) * 9) == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    assert rig.name == f"{file} Character" and len(rig.data.bones) == joints
    (body,) = rig.children
    assert len(body.data.vertices) == vertices
    assert body.find_armature() == rig
    assert generate() == {"FINISHED"}
    assert rig.animation_data.action is not None


def test_betas_shape_the_body(session: WorkerSession, model_files: Path) -> None:
    heights: list[float] = []
    for beta in (0.0, 2.0):
        bpy.ops.mmm.add_character(
            model_path=str(model_files / "SMPL.npz"), betas=(beta,) + (0.0,) * 9
        )
        rig = bpy.context.view_layer.objects.active
        heights.append(
            (rig.data.bones["head"].head_local - rig.data.bones["neck"].head_local).length
        )
    assert heights[0] != pytest.approx(heights[1], abs=1e-6)


def test_a_model_file_that_runs_code_is_refused(session: WorkerSession, model_files: Path) -> None:
    sentence = refusal(lambda: bpy.ops.mmm.add_character(model_path=str(model_files / "EVIL.pkl")))
    assert "EVIL.pkl" in sentence and "system" in sentence
    assert not (model_files / "ran").exists()


def test_new_seed_changes_the_seed(session: WorkerSession) -> None:
    before = bpy.context.scene.mmm.seed
    bpy.ops.mmm.new_seed()
    assert bpy.context.scene.mmm.seed != before


def test_cancel_is_greyed_without_a_job(session: WorkerSession) -> None:
    assert not bpy.ops.mmm.cancel.poll()


def test_rest_of_the_body_is_never_keyed(generate: Generate) -> None:
    generate()
    rig = bpy.context.view_layer.objects.active
    paths = {path for path, _ in keys(rig)}
    assert all(path.startswith("pose.bones") for path in paths)
    assert not any("hand" in path for path in paths)
    values = np.array(next(iter(keys(rig).values())))
    assert np.isfinite(values).all()
