"""A published checkpoint imported for Blender. Needs torch: the engine imports this when asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...motion.checkpoint_import import STEPS, BundleLabel, CheckpointFiles, import_checkpoint
from ..protocol import STAGE_IMPORTING, CheckpointImported, ImportCheckpoint


def run_import(
    request: ImportCheckpoint, on_progress: Callable[[int, int, str], None]
) -> CheckpointImported:
    """Read the files, write the bundle; MMMError with a sentence for what is wrong."""
    files = CheckpointFiles(
        Path(request.tokenizer),
        Path(request.transformer),
        Path(request.mean),
        Path(request.std),
        request.heads,
        Path(request.clip) if request.clip else None,
    )
    on_progress(0, STEPS, STAGE_IMPORTING)
    import_checkpoint(
        files,
        BundleLabel(request.name),
        Path(request.out),
        lambda step, steps: on_progress(step, steps, STAGE_IMPORTING),
    )
    return CheckpointImported(request.job, request.out)
