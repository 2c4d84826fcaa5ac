"""A bundle: one folder with config.json and the weights as safetensors, nothing that runs.

Saving writes beside the old files and renames, config.json last, so that a bundle is either the
old one or the new one. Loading checks every file against the hash in config.json and every tensor
against the networks: nothing missing, nothing left over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ..geometry.errors import MMMError
from .config import BUNDLE_VERSION, BundleConfig, from_json, to_json
from .model import MotionModel
from .quantizer import TRAINING_ONLY
from .tokenizer import Tokenizer
from .transformer import MaskedTransformer

CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.safetensors"
TRANSFORMER_FILE = "transformer.safetensors"

_AGAIN = "get the bundle again"


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle in memory. ``hash`` stands for the config and all the weights."""

    folder: Path
    config: BundleConfig
    model: MotionModel
    hash: str


def save_bundle(
    folder: Path, config: BundleConfig, tokenizer: Tokenizer, transformer: MaskedTransformer
) -> BundleConfig:
    """Write a bundle; returns the config as written, with the hashes of its files.

    Files that lie in the folder's sub-folders (the text encoder's) belong to the bundle too:
    write them before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        TOKENIZER_FILE: _packed(tokenizer, config.storage),
        TRANSFORMER_FILE: _packed(transformer, config.storage),
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    for path in sorted(folder.glob("*/**/*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    config = replace(config, version=BUNDLE_VERSION, files=hashes)
    contents[CONFIG_FILE] = json.dumps(to_json(config), indent=1).encode()
    for name, content in contents.items():
        _write(folder / name, content)
    return config


def load_bundle(folder: Path, device: str = "cpu") -> Bundle:
    """Read and check a bundle; MMMError says in one sentence what is wrong with it."""
    config = read_config(folder)
    for name in config.files:
        _check(folder, name, config)
    tokenizer = Tokenizer(config.tokenizer)
    _fill(tokenizer, folder, TOKENIZER_FILE, config)
    transformer = MaskedTransformer(config.transformer, config.tokenizer, tokenizer.codebooks_PKD)
    _fill(transformer, folder, TRANSFORMER_FILE, config)
    model = MotionModel(tokenizer.to(device), transformer.to(device))
    return Bundle(folder, config, model, bundle_hash(config))


def read_config(folder: Path) -> BundleConfig:
    """Only the config of a bundle."""
    path = folder / CONFIG_FILE
    try:
        values: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MMMError(
            f"There is no bundle in {folder}: choose a folder that holds a {CONFIG_FILE}."
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise MMMError(
            f"{CONFIG_FILE} of the bundle {folder.name} is damaged: {_AGAIN}."
        ) from error
    _check_version(folder, values)
    return from_json(BundleConfig, values, f"{CONFIG_FILE} of the bundle {folder.name}")


def bundle_hash(config: BundleConfig) -> str:
    """SHA-256 of the config, which holds the hashes of the files."""
    return hashlib.sha256(json.dumps(to_json(config), sort_keys=True).encode()).hexdigest()


def _check_version(folder: Path, values: object) -> None:
    """A word about the version comes before any about entries that are strange because of it."""
    entries = cast("Mapping[str, object]", values) if isinstance(values, Mapping) else {}
    version = entries.get("version", BUNDLE_VERSION)
    if version != BUNDLE_VERSION:
        raise MMMError(
            f"The bundle {folder.name} has version {version}, and this MMM reads version "
            f"{BUNDLE_VERSION}: update the extension or get a bundle that matches it."
        )


def _packed(module: nn.Module, storage: str) -> bytes:
    """The module's tensors as safetensors. Only parameters may be stored in 16 bits: statistics,
    codebooks and tables keep their precision."""
    kind = getattr(torch, storage)
    parameters = dict(module.named_parameters())
    tensors = {
        name: value.detach().cpu().to(kind if name in parameters else value.dtype).contiguous()
        for name, value in module.state_dict().items()
        if not _only_for_training(name)
    }
    return safetensors.torch.save(tensors)


def _only_for_training(name: str) -> bool:
    return name.rsplit(".", 1)[-1] in TRAINING_ONLY


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.replace(path)


def _check(folder: Path, name: str, config: BundleConfig) -> None:
    """MMMError unless the file is the one that the config means."""
    try:
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MMMError(f"The bundle {folder.name} lacks its file {name}: {_AGAIN}.") from error
    if digest != config.files[name]:
        raise MMMError(
            f"The file {name} of the bundle {folder.name} is truncated or was changed (its hash "
            f"does not match): {_AGAIN}."
        )


def _fill(module: nn.Module, folder: Path, name: str, config: BundleConfig) -> None:
    """The module's tensors from a file, each exactly once."""
    where = f"The file {name} of the bundle {folder.name}"
    if name not in config.files:
        raise MMMError(f"The bundle {folder.name} does not name its file {name}: {_AGAIN}.")
    try:
        tensors = safetensors.torch.load_file(folder / name)
    except SafetensorError as error:
        raise MMMError(f"{where} is damaged: {_AGAIN}.") from error
    wanted = {key: v for key, v in module.state_dict().items() if not _only_for_training(key)}
    for kind, keys in (
        ("lacks", set(wanted) - set(tensors)),
        ("has unknown", set(tensors) - set(wanted)),
        ("has misshapen", _misshapen(tensors, wanted)),
    ):
        if keys:
            raise MMMError(f"{where} {kind} tensors ({', '.join(sorted(keys))}): {_AGAIN}.")
    module.load_state_dict(tensors, strict=False)


def _misshapen(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> set[str]:
    common = set(tensors) & set(wanted)
    return {key for key in common if tensors[key].shape != wanted[key].shape}
