"""A bundle in a real worker process, seen from Blender: what a person waits for."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from _bench.figures import Figure, Row, Skipped, seconds, seconds_once
from _dev.bootstrap import ROOT

import mmm_blender
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.generate.task import GenerateParams, start_generation
from mmm_blender.blender.jobs.session import State, session
from mmm_blender.common.errors import MMMError
from mmm_blender.worker.client import WorkerClient
from mmm_blender.worker.protocol import BundleLoaded, Generate, LoadBundle

PROMPT = "a tired person walks forward"
LONGEST = 9.8  # seconds: 196 frames at 20 fps
_REPEATS = 3
_KEYED_TARGET, _PROGRESS_TARGET, _COLD_TARGET, _MEMORY_TARGET = 1.5, 0.2, 10.0, 1024.0
_TICK_SECONDS = 0.005

_BARE_TORCH = (
    "import sys; sys.path.insert(0, sys.argv[1]); import torch; "
    "from mmm_blender.worker.server.memory import resident_mb; print(resident_mb())"
)


def rows(bundle: Path) -> list[Row]:
    """Every figure of a bundle, or why there is none."""
    if not (bundle / "config.json").is_file():
        return [Skipped(f"weights {bundle.name}", f"no bundle in {bundle}")]
    mmm_blender.register()
    try:
        return [*_cold(bundle), *_warm(bundle)]
    finally:
        mmm_blender.unregister()


def _cold(bundle: Path) -> list[Row]:
    """A fresh worker, to its first motion; then the memory that it holds."""
    client = WorkerClient(Path(sys.executable))
    try:
        took = seconds_once(lambda: _generate(client, bundle, seed=0))
        while client.status is None:  # comes right behind the motion
            client.poll()
            time.sleep(_TICK_SECONDS)
        memory = client.status.memory_mb
    finally:
        client.stop()
    bare_seconds, bare_memory = _bare_torch()
    peer = 'python -c "import torch"'
    return [
        Figure("worker cold start to first motion", took, "s", peer, bare_seconds, _COLD_TARGET),
        Figure("worker memory", memory, "MiB", peer, bare_memory, _MEMORY_TARGET),
    ]


def _bare_torch() -> tuple[float, float]:
    """Seconds and MiB of a process that only imports torch."""
    command = [sys.executable, "-c", _BARE_TORCH, str(ROOT)]
    started = time.perf_counter()
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - started, float(printed)


def _warm(bundle: Path) -> list[Row]:
    """The operator in a scene with a character, beside the worker alone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mmm.add_character()
    keyed = seconds(lambda: _press(bundle), _REPEATS)
    progress = seconds(lambda: _first_progress(bundle), _REPEATS)
    client = session.client
    if client is None:
        raise MMMError("The worker went away while it was measured: run the bench again.")
    alone = seconds(lambda: _generate(client, bundle, seed=1), _REPEATS)
    answer = seconds(lambda: _round_trip(client, bundle))
    warm, first = "196 frames warm, prompt to keyed Action", "operator to first progress"
    return [
        Figure(warm, keyed, "s", "the worker alone", alone, _KEYED_TARGET),
        Figure(first, progress, "s", "an answer without work", answer, _PROGRESS_TARGET),
    ]


def _generate(client: WorkerClient, bundle: Path, seed: int) -> None:
    request = Generate(PROMPT, LONGEST, seed)
    client.run_blocking(request, LoadBundle(str(bundle)))


def _press(bundle: Path) -> None:
    bpy.ops.mmm.generate(prompt=PROMPT, seconds=LONGEST, bundle=str(bundle))


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
