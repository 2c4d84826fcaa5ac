"""A worker program whose engine needs no torch: the prompt says how it behaves."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmm_blender.common.package import package_version
from mmm_blender.worker.protocol import (
    STAGE_GENERATING,
    STAGE_IMPORTING,
    BodyModelLoaded,
    CheckpointImported,
    FailureKind,
    Generate,
    Generated,
    ImportCheckpoint,
    JsonObject,
    LoadBodyModel,
    LoadBundle,
    MotionMessage,
    Ready,
    Status,
    WorkerError,
)
from mmm_blender.worker.server.service import IsCancelled, OnProgress, Watcher

STEPS = 4
STEP_SECONDS = 0.02
LONGER_STEPS = 50  # a second
STUCK_SECONDS = 600.0

# what WorkerClient runs instead of its own bootstrap: argv is the package's parent and its name
BOOTSTRAP = f"""\
import sys
sys.path[:] = [entry for entry in sys.path if entry] + [{str(Path(__file__).parents[2])!r}]
from mmm_blender.worker.__main__ import main
from tests.worker.fake_worker import FakeEngine
main(FakeEngine)
"""


class FakeEngine:
    def __init__(self) -> None:
        self.bundle = ""
        self.loads = 0

    def describe(self) -> Ready:
        return Ready(package_version(), "0.0", {"cpu": "CPU"})

    def load(self, params: LoadBundle) -> JsonObject:
        if params.path == "missing":
            raise WorkerError("There is no bundle: choose another.", FailureKind.BUNDLE)
        if self.bundle != params.path:
            self.loads += 1
        self.bundle = params.path
        return {"name": params.path, "loads": self.loads}

    def generate(
        self,
        request: MotionMessage,
        on_progress: OnProgress,
        cancelled: IsCancelled,
        watcher: Watcher | None = None,
    ) -> Generated:
        assert isinstance(request, Generate)
        behaviour = request.prompt.split()[0]
        if behaviour == "crash":
            print("the graphics driver said no", file=sys.stderr)
            os._exit(3)
        if behaviour == "memory":
            raise WorkerError(
                "The memory of cuda:0 is exhausted: choose the CPU.", FailureKind.OUT_OF_MEMORY
            )
        if behaviour == "bug":
            raise ZeroDivisionError("division by zero")
        if behaviour == "unsendable":
            return replace(self.motion(request), recipe={"model": object()})
        if behaviour == "print":
            print("a stray print")
            os.write(1, b"and one of a library\n")
        if behaviour == "stuck":
            on_progress(0, STEPS, STAGE_GENERATING)
            time.sleep(STUCK_SECONDS)
        if behaviour == "until":
            while not Path(request.prompt.split()[1]).exists() and not cancelled():
                on_progress(1, STEPS, STAGE_GENERATING)
                time.sleep(STEP_SECONDS)
        if behaviour == "echo":
            print(request.prompt, self.bundle)
        for step in range({"slow": 10_000, "longer": LONGER_STEPS}.get(behaviour, STEPS)):
            if cancelled():
                raise WorkerError("Cancelled.", FailureKind.CANCELLED)
            on_progress(step + 1, STEPS, STAGE_GENERATING)
            time.sleep(STEP_SECONDS)
        return self.motion(request)

    def motion(self, request: Generate) -> Generated:
        frames = round(request.seconds * 20)
        rotations = np.tile([1.0, 0.0, 0.0, 0.0], (frames, 22, 1))
        root = np.full((frames, 3), float(request.seed))
        tokens = np.arange(4).reshape(2, 2)
        recipe = {
            "prompt": request.prompt,
            "path": sys.path,
            "utf8": sys.flags.utf8_mode,
            "stdin": sys.stdin.read(),
            "waiting": os.environ.get("OMP_WAIT_POLICY"),
        }
        return Generated(request.job, rotations, root, 20.0, False, tokens, recipe)

    def body_model(self, request: LoadBodyModel) -> BodyModelLoaded:
        raise FileNotFoundError(request.path)

    def import_checkpoint(
        self, request: ImportCheckpoint, on_progress: OnProgress
    ) -> CheckpointImported:
        on_progress(1, 4, STAGE_IMPORTING)
        return CheckpointImported(request.job, request.out)

    def status(self) -> Status:
        return Status("cpu", 1.0, bundle=self.bundle)

    def free(self) -> None:
        self.bundle = ""
