"""What tools/demo runs inside the environment: three prompts to a scene, a picture and a BVH.

Blender is this Python's module; the model runs in a worker process, as it does for an animator.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from _dev.bootstrap import ROOT
from _render.contact_sheet import Strip, contact_sheet
from _render.stage import set_stage

from mmm_blender.batch.delivery import clip_of, key_clip
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import assign_action
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.bvh import write_bvh
from mmm_blender.worker.client import WorkerClient
from mmm_blender.worker.protocol import Generate, Generated, LoadBundle

PROMPTS = (
    "a tired person walks forward",
    "a person waves with the right hand",
    "a person runs forward",
)
"""The first is the one that out/demo.blend opens with and that out/demo.bvh holds."""

SECONDS = 5.0
SEED = 0
FPS = 30  # of the scene; the model's own 20 are resampled

BUNDLE = ROOT / "weights" / "starter"
OUT = ROOT / "out"


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="demo", description="Three prompts to three files.")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="folder of the weights")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the files")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of each motion")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    try:
        answers = generate(options.bundle, options.seconds, options.seed)
        options.out.mkdir(parents=True, exist_ok=True)
        make_files(answers, options.out)
    except (MMMError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"all: {time.perf_counter() - started:.1f} s")
    return 0


def generate(bundle: Path, seconds: float, seed: int) -> list[Generated]:
    """One motion a prompt, from one worker; prints how long each took."""
    client = WorkerClient(Path(sys.executable))
    wanted = LoadBundle(str(bundle))
    try:
        answers: list[Generated] = []
        for prompt in PROMPTS:
            request = Generate(prompt, seconds, seed)
            cold = "" if answers else ", starting the worker and loading the weights included"
            with _timed(f'"{prompt}"', cold):
                answers.append(client.run_blocking(request, wanted))
        return answers
    finally:
        client.stop()


def make_files(answers: Sequence[Generated], out: Path) -> None:
    """demo.bvh, demo.blend and demo.png in ``out``."""
    with _timed("demo.bvh"):
        write_bvh(out / "demo.bvh", clip_of(answers[0]))
    with _timed("demo.blend"):
        rig, strips = make_scene(answers)
        _save(out / "demo.blend")
    with _timed("demo.png"):
        contact_sheet(rig, strips, out / "demo.png")


def make_scene(answers: Sequence[Generated]) -> tuple[ArmatureObject, list[Strip]]:
    """A new file with a character, an Action an answer (the first one active), and a stage."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.data.batch_remove(list(bpy.data.objects))
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    scene.frame_start = scene.frame_end = scene.frame_current = 1
    rig = create_character(bpy.context)
    strips = [
        Strip(answer.recipe["prompt"], key_clip(rig, clip_of(answer), answer.recipe))
        for answer in answers
    ]
    assign_action(rig, strips[0].action)
    set_stage(scene, rig)
    return rig, strips


def _save(path: Path) -> None:
    """Save the file that is open, without a backup of an older one."""
    path.unlink(missing_ok=True)
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)
    except RuntimeError as error:
        raise MMMError(f"{path} could not be written ({error}): free space there.") from error


@contextmanager
def _timed(name: str, remark: str = "") -> Generator[None, None, None]:
    started = time.perf_counter()
    yield
    print(f"{name}: {time.perf_counter() - started:.2f} s{remark}", flush=True)
