"""A published MMM checkpoint turned into a bundle: the authors' files in, a folder out.

Nothing in the files is run. Needs torch, as their tensors are laid out for its modules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..common.errors import MMMError
from ..common.untrusted import at_home
from .bundles.published_checkpoint import (
    TOKENIZER_KEY,
    TRANSFORMER_KEY,
    import_tokenizer,
    import_transformer,
    read_checkpoint,
    read_statistics,
    sampler_config,
)
from .config import BundleConfig
from .networks.bundle_file import save_bundle
from .runtime.opening import open_text_encoder

LICENCE = "as its authors say"
PUBLISHED_HEADS = 16
STEPS = 4
"""Of an import: the tokenizer, the transformer, the text encoder, the bundle."""


@dataclass(frozen=True)
class CheckpointFiles:
    """What the authors publish. mean, std: those of their own training, .npy. heads: of attention.
    clip: the folder of CLIP ViT-B/32, None for a bundle that cannot read prompts yet."""

    tokenizer: Path
    transformer: Path
    mean: Path
    std: Path
    heads: int = PUBLISHED_HEADS
    clip: Path | None = None


@dataclass(frozen=True)
class BundleLabel:
    """What the bundle says of itself. storage: "float32" or "float16"."""

    name: str
    licence: str = LICENCE
    storage: str = "float32"


def import_checkpoint(
    files: CheckpointFiles,
    label: BundleLabel,
    out: Path,
    on_step: Callable[[int, int], None] | None = None,
) -> BundleConfig:
    """Read the files and write the bundle ``out``; MMMError, with nothing written, for wrong ones.

    on_step: called after each step with its number and how many there are.
    """
    report = on_step or _tell_nobody
    statistics = read_statistics(files.mean, files.std)
    tokenizer = import_tokenizer(read_checkpoint(files.tokenizer, TOKENIZER_KEY), statistics)
    report(1, STEPS)
    tensors = read_checkpoint(files.transformer, TRANSFORMER_KEY)
    transformer = import_transformer(tensors, tokenizer, files.heads)
    report(2, STEPS)
    text = _text_section(files.clip, transformer.config.text_width)
    report(3, STEPS)
    config = BundleConfig(
        name=label.name,
        licence=label.licence,
        tokenizer=tokenizer.config,
        transformer=transformer.config,
        sampler=sampler_config(tokenizer.config),
        text=text,
        description=f"Imported from {files.tokenizer.name} and {files.transformer.name}.",
        storage=label.storage,
    )
    saved = save_bundle(out, config, tokenizer, transformer)
    report(4, STEPS)
    return saved


def _tell_nobody(_step: int, _steps: int) -> None:
    pass


def _text_section(clip: Path | None, width: int) -> dict[str, str]:
    """What the config says of CLIP, which is tried here so that a wrong folder is not baked in."""
    if clip is None:
        return {"kind": "clip", "folder": ""}
    folder = at_home(clip).resolve()
    section = {"kind": "clip", "folder": str(folder)}
    encoder = open_text_encoder(folder, section)
    if encoder.width != width:
        raise MMMError(
            f"The transformer wants text features of {width} numbers and the CLIP in {folder} "
            f"gives {encoder.width}: give the folder of CLIP ViT-B/32."
        )
    return section
