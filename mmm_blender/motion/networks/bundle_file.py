"""Bundles and torch's modules: what training saves and goes on from.

Saving writes every file in full beside the old ones before any takes its name (config.json last):
a save that fails leaves the old bundle, and one that is killed while names change leaves a bundle
that loading refuses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from ...common.arrays import AnyArray
from ...common.atomic_files import make_folder, write_files
from ...common.schema import to_json
from ..bundles.bundle import (
    CONFIG_FILE,
    TOKENIZER_FILE,
    TRANSFORMER_FILE,
    StoredBundle,
    belongs,
    content_of,
    read_bundle,
)
from ..config import BUNDLE_VERSION, BundleConfig
from .quantizer import TRAINING_ONLY
from .tokenizer import Tokenizer
from .transformer import MaskedTransformer
from .weights import as_tensors


def save_bundle(
    folder: Path,
    config: BundleConfig,
    tokenizer: Tokenizer,
    transformer: MaskedTransformer,
    extra: Mapping[str, Path | bytes] | None = None,
) -> BundleConfig:
    """Write a bundle, all or nothing; returns the config as written, with its files' hashes.

    extra: the text encoder's files, by their names in the bundle ("text/vocab.txt"), as content or
    as files to copy (see ``bundle.files_of``). Where it is None, the files that lie in the bundle's
    sub-folders already belong to it as they are.
    """
    weights = {
        TOKENIZER_FILE: _packed(tokenizer, config.storage),
        TRANSFORMER_FILE: _packed(transformer, config.storage),
    }
    given = _files_in_sub_folders(folder) if extra is None else extra
    others = {name: content_of(name, source) for name, source in given.items()}
    hashes = {
        name: hashlib.sha256(content).hexdigest() for name, content in (weights | others).items()
    }
    limits = config.derived_limits
    config = replace(config, version=BUNDLE_VERSION, files=hashes, limits=limits)
    contents = weights if extra is None else others | weights
    contents[CONFIG_FILE] = json.dumps(to_json(config), indent=1).encode()
    for name in contents:
        make_folder((folder / name).parent)
    write_files({folder / name: content for name, content in contents.items()})
    return config


def load_modules(folder: Path, device: str = "cpu") -> tuple[Tokenizer, MaskedTransformer]:
    """The networks of a bundle as modules; MMMError where something is wrong with it."""
    return modules_of(read_bundle(folder), device)


def modules_of(stored: StoredBundle, device: str = "cpu") -> tuple[Tokenizer, MaskedTransformer]:
    """The networks of a bundle that was read."""
    config = stored.config
    tokenizer = Tokenizer(config.tokenizer)
    tokenizer.load_state_dict(as_tensors(stored.tokenizer), strict=False)
    transformer = MaskedTransformer(config.transformer, config.tokenizer, tokenizer.codebooks_PKD)
    transformer.load_state_dict(as_tensors(stored.transformer), strict=False)
    return tokenizer.to(device).eval(), transformer.to(device).eval()


def stored_arrays(module: nn.Module) -> dict[str, AnyArray]:
    """What a file of the module would hold, in its own precision."""
    return {
        name: value.detach().cpu().numpy()
        for name, value in module.state_dict().items()
        if name.rsplit(".", 1)[-1] not in TRAINING_ONLY
    }


def _packed(module: nn.Module, storage: str) -> bytes:
    """The module's tensors as safetensors. Only parameters may be stored in 16 bits: statistics,
    codebooks and tables keep their precision."""
    kind = getattr(torch, storage)
    parameters = dict(module.named_parameters())
    tensors = {
        name: value.detach().cpu().to(kind if name in parameters else value.dtype).contiguous()
        for name, value in module.state_dict().items()
        if name.rsplit(".", 1)[-1] not in TRAINING_ONLY
    }
    return safetensors.torch.save(tensors)


def _files_in_sub_folders(folder: Path) -> dict[str, Path]:
    paths = sorted(path for path in folder.glob("*/**/*") if belongs(path))
    return {path.relative_to(folder).as_posix(): path for path in paths}
