"""A bundle's text encoder in torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ....common.errors import MMMError
from ...text import CLIP, clip_folder, encoder_kind, student_folder
from .features import TextEncoder
from .student import StudentTextEncoder


def load_encoder(
    bundle_dir: Path, config: Mapping[str, Any], device: torch.device | str = "cpu"
) -> TextEncoder:
    """Load the encoder that a bundle's ``text`` section asks for (see ``runtime.opening``)."""
    if encoder_kind(bundle_dir, config) != CLIP:
        return StudentTextEncoder.load(student_folder(bundle_dir, config), device)
    folder = clip_folder(bundle_dir, config)
    try:
        from .clip import ClipTextEncoder  # noqa: PLC0415  # needs packages that others do not
    except ImportError as error:
        raise MMMError(
            f"CLIP needs the package {error.name}, which this Python lacks: install ftfy and regex."
        ) from error
    return ClipTextEncoder.load(folder, device)
