"""A bundle in a real worker process, seen from Blender: what a person waits for."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from _bench.figures import Figure, Row, Skipped, seconds, seconds_once

import mmm_blender
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.generate.task import GenerateParams, start_generation
from mmm_blender.blender.jobs.session import State, session
from mmm_blender.common.errors import MMMError
from mmm_blender.worker.client import BOOTSTRAP, WorkerClient
from mmm_blender.worker.protocol import BundleLoaded, Generate, LoadBundle

PROMPT = "a tired person walks forward"
LONGEST = 9.8  # seconds: 196 frames at 20 fps
_REPEATS = 3
_COLD_TARGET, _KEYED_TARGET, _ALONE_TARGET, _PROGRESS_TARGET = 0.8, 0.15, 0.11, 0.2  # s
_MEMORY_TARGET = 220.0  # MiB
_TICK_SECONDS = 0.005

IN_TORCH = "import sys\nsys.modules['onnxruntime'] = None\n" + BOOTSTRAP
"""The worker's first lines where it is to run torch: as in a Python without ONNX Runtime."""

_PEER = "the worker with torch"


def rows(bundle: Path) -> list[Row]:
    """Every figure of a bundle, or why there is none."""
    if not (bundle / "config.json").is_file():
        return [Skipped(f"weights {bundle.name}", f"no bundle in {bundle}")]
    mmm_blender.register()
    try:
        return [*_pressed(bundle), *_alone(bundle)]
    finally:
        mmm_blender.unregister()


@dataclass(frozen=True)
class _Alone:
    """A worker without Blender: seconds to its first motion, MiB that it holds then, and seconds of
    a further motion."""

    cold: float
    memory: float
    warm: float

    @classmethod
    def measured(cls, bundle: Path, bootstrap: str = BOOTSTRAP) -> _Alone:
        """Of a fresh worker."""
        client = WorkerClient(Path(sys.executable), bootstrap)
        try:
            cold = seconds_once(lambda: _generate(client, bundle, seed=0))
            while client.status is None:  # comes right behind the motion
                client.poll()
                time.sleep(_TICK_SECONDS)
            memory = client.status.memory_mb
            return cls(cold, memory, seconds(lambda: _generate(client, bundle, seed=1), _REPEATS))
        finally:
            client.stop()


def _alone(bundle: Path) -> list[Row]:
    """The worker without Blender, beside the same worker with torch."""
    ours, theirs = _Alone.measured(bundle), _Alone.measured(bundle, IN_TORCH)
    cold, warm = "worker cold start to first motion", "196 frames warm, the worker alone"
    return [
        Figure(cold, ours.cold, "s", _PEER, theirs.cold, _COLD_TARGET),
        Figure(warm, ours.warm, "s", _PEER, theirs.warm, _ALONE_TARGET),
        Figure("worker memory", ours.memory, "MiB", _PEER, theirs.memory, _MEMORY_TARGET),
    ]


def _pressed(bundle: Path) -> list[Row]:
    """The operator in a scene with a character, beside the worker alone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mmm.add_character()
    first = seconds_once(lambda: _press(bundle))
    keyed = seconds(lambda: _press(bundle), _REPEATS)
    progress = seconds(lambda: _first_progress(bundle), _REPEATS)
    client = session.client
    if client is None:
        raise MMMError("The worker went away while it was measured: run the bench again.")
    alone = seconds(lambda: _generate(client, bundle, seed=1), _REPEATS)
    answer = seconds(lambda: _round_trip(client, bundle))
    cold, warm = "press to first keys, worker cold", "196 frames warm, prompt to keyed Action"
    return [
        Figure(cold, first, "s", "press to keys, worker warm", keyed, _COLD_TARGET),
        Figure(warm, keyed, "s", "the worker alone", alone, _KEYED_TARGET),
        Figure(
            *("operator to first progress", progress, "s"),
            *("an answer without work", answer, _PROGRESS_TARGET),
        ),
    ]


def _generate(client: WorkerClient, bundle: Path, seed: int) -> None:
    request = Generate(PROMPT, LONGEST, seed)
    client.run_blocking(request, LoadBundle(str(bundle)))


def _press(bundle: Path) -> None:
    """A new motion, as on a character that has none: not one that goes on from a pose."""
    bpy.ops.mmm.generate(prompt=PROMPT, seconds=LONGEST, bundle=str(bundle), start_from="FREE")


def _first_progress(bundle: Path) -> None:
    """From the press to the first step that the panel's bar shows, then to the end uncounted."""
    scene_job = start_generation(bpy.context, GenerateParams(PROMPT, LONGEST, 2, str(bundle)))
    while scene_job.job.running and not scene_job.job.steps:
        scene_job.tick(bpy.context)
        time.sleep(_TICK_SECONDS)
    session.cancel()
    if scene_job.job.state is State.FAILED:
        raise MMMError(scene_job.job.sentence)


def _round_trip(client: WorkerClient, bundle: Path) -> None:
    """A message that the worker answers at once: the bundle that it holds already."""
    client.send(LoadBundle(str(bundle)))
    while not any(isinstance(message, BundleLoaded) for message in client.poll()):
        time.sleep(_TICK_SECONDS)
