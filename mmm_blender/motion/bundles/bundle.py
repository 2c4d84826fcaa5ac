"""A bundle: one folder with config.json and the weights as safetensors, nothing that runs.

Saving writes every file in full beside the old ones before any takes its name (config.json last):
a save that fails leaves the old bundle, and one that is killed while names change leaves a bundle
that loading refuses. Loading checks every file against the hash in config.json and every tensor
against the networks: nothing missing, nothing left over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import cast

import safetensors.torch
import torch
from torch import Tensor, nn

from ...common.atomic_files import TEMPORARY, make_folder, write_files
from ...common.errors import MMMError
from ...common.schema import GET_AGAIN, from_json, json_hash, to_json
from ...common.untrusted import check_file, clean_text, file_bytes, json_value, lies_inside
from ..config import BUNDLE_VERSION, BundleConfig
from ..motion_model import MotionModel
from ..networks.quantizer import TRAINING_ONLY
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import MaskedTransformer
from ..networks.weights import MOST_BYTES, check_weights, load_weights, read_tensors

CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.safetensors"
TRANSFORMER_FILE = "transformer.safetensors"
MOST_CONFIG_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle in memory. ``hash`` stands for the config and all the weights."""

    folder: Path
    config: BundleConfig
    model: MotionModel
    hash: str


def save_bundle(
    folder: Path,
    config: BundleConfig,
    tokenizer: Tokenizer,
    transformer: MaskedTransformer,
    extra: Mapping[str, Path | bytes] | None = None,
) -> BundleConfig:
    """Write a bundle, all or nothing; returns the config as written, with its files' hashes.

    extra: the text encoder's files, by their names in the bundle ("text/vocab.txt"), as content or
    as files to copy (see ``files_of``). Where it is None, the files that lie in the bundle's
    sub-folders already belong to it as they are.
    """
    weights = {
        TOKENIZER_FILE: _packed(tokenizer, config.storage),
        TRANSFORMER_FILE: _packed(transformer, config.storage),
    }
    given = _files_in_sub_folders(folder) if extra is None else extra
    others = {name: _content(name, source) for name, source in given.items()}
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


def add_file(folder: Path, config: BundleConfig, name: str, content: bytes) -> BundleConfig:
    """Write a further file into a bundle, and ``config`` with its hash; returns the config."""
    digest = hashlib.sha256(_content(name, content)).hexdigest()
    files = config.files | {name: digest}
    config = replace(config, files=files, limits=config.derived_limits)
    written = json.dumps(to_json(config), indent=1).encode()
    make_folder((folder / name).parent)
    write_files({folder / name: content, folder / CONFIG_FILE: written})
    return config


def files_of(folder: Path, inside: str) -> dict[str, Path]:
    """All files of a folder that is to become the bundle's sub-folder ``inside``."""
    paths = sorted(path for path in folder.rglob("*") if _belongs(path))
    if not paths:
        raise MMMError(f"{folder} holds no files for the bundle: choose another folder.")
    return {f"{inside}/{path.relative_to(folder).as_posix()}": path for path in paths}


def load_bundle(folder: Path, device: str = "cpu") -> Bundle:
    """Read and check a bundle; MMMError says in one sentence what is wrong with it."""
    config = read_config(folder)
    for name in config.files:
        _check(folder, name, config)
    stored = {name: _tensors(folder, name, config) for name in (TOKENIZER_FILE, TRANSFORMER_FILE)}
    with torch.device("meta"):  # no memory yet: the config may ask for any size
        _networks(folder, config, stored, check_weights)
    tokenizer, transformer = _networks(folder, config, stored, load_weights)
    model = MotionModel(tokenizer.to(device), transformer.to(device))
    return Bundle(folder, config, model, bundle_hash(folder))


def read_config(folder: Path) -> BundleConfig:
    """Only the config of a bundle."""
    values = _config_values(folder)
    _check_version(folder, values)
    config = from_json(BundleConfig, values, f"{CONFIG_FILE} of the bundle {folder.name}")
    if config.limits not in (None, config.derived_limits):
        raise MMMError(
            f"{CONFIG_FILE} of the bundle {folder.name} has other limits than its networks: "
            f"{GET_AGAIN}."
        )
    return config


def bundle_hash(folder: Path) -> str:
    """SHA-256 of the config, which holds the hashes of the files. It is of the entries as they
    stand on disk: one that a later version adds does not make the bundle another one."""
    return json_hash(_config_values(folder))


def _config_values(folder: Path) -> object:
    try:
        return json_value(file_bytes(folder / CONFIG_FILE, MOST_CONFIG_BYTES).decode())
    except OSError as error:
        raise MMMError(
            f"There is no bundle in {folder}: choose a folder that holds a {CONFIG_FILE}."
        ) from error
    except ValueError as error:
        raise MMMError(
            f"{CONFIG_FILE} of the bundle {folder.name} is damaged: {GET_AGAIN}."
        ) from error


def _check_version(folder: Path, values: object) -> None:
    """A word about the version comes before any about entries that are strange because of it."""
    entries = cast("Mapping[str, object]", values) if isinstance(values, Mapping) else {}
    version = entries.get("version", BUNDLE_VERSION)
    if version != BUNDLE_VERSION:
        raise MMMError(
            f"The bundle {folder.name} has version {clean_text(version)}, and this MMM reads "
            f"version {BUNDLE_VERSION}: update the extension or get a bundle that matches it."
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


def _files_in_sub_folders(folder: Path) -> dict[str, Path]:
    paths = sorted(path for path in folder.glob("*/**/*") if _belongs(path))
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _belongs(path: Path) -> bool:
    """Whether it is a file, and not what a save that was killed left behind."""
    return path.is_file() and path.suffix not in TEMPORARY


def _content(name: str, source: Path | bytes) -> bytes:
    """What an extra file holds. It lies in a sub-folder, so that it can't replace the weights."""
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or len(place.parts) == 1:
        raise MMMError(f"A bundle's extra file cannot be named '{name}': name a sub-folder's file.")
    try:
        return source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise MMMError(
            f"{source} could not be read for the bundle ({error.strerror}): nothing was written."
        ) from error


def _check(folder: Path, name: str, config: BundleConfig) -> None:
    """MMMError unless the file is the one that the config means, and in the bundle's folder."""
    if not lies_inside(folder, name):
        raise MMMError(
            f"The bundle {folder.name} names a file outside its folder ({clean_text(name)}): "
            f"{GET_AGAIN}."
        )
    try:
        check_file(folder / name, MOST_BYTES)
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MMMError(f"The bundle {folder.name} lacks its file {name}: {GET_AGAIN}.") from error
    if digest != config.files[name]:
        raise MMMError(
            f"The file {name} of the bundle {folder.name} is truncated or was changed (its hash "
            f"does not match): {GET_AGAIN}."
        )


def _tensors(folder: Path, name: str, config: BundleConfig) -> dict[str, Tensor]:
    if name not in config.files:
        raise MMMError(f"The bundle {folder.name} does not name its file {name}: {GET_AGAIN}.")
    return read_tensors(folder / name, f"{GET_AGAIN}.")


def _networks(
    folder: Path,
    config: BundleConfig,
    stored: Mapping[str, Mapping[str, Tensor]],
    use: Callable[..., None],
) -> tuple[Tokenizer, MaskedTransformer]:
    """The networks of the config, each given to ``use`` with what its file holds."""

    def fill(network: nn.Module, name: str) -> None:
        use(network, stored[name], folder / name, f"{GET_AGAIN}.", TRAINING_ONLY)

    tokenizer = Tokenizer(config.tokenizer)
    fill(tokenizer, TOKENIZER_FILE)
    transformer = MaskedTransformer(config.transformer, config.tokenizer, tokenizer.codebooks_PKD)
    fill(transformer, TRANSFORMER_FILE)
    return tokenizer, transformer
