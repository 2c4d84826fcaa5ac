"""A bundle: one folder with config.json and the weights as safetensors, nothing that runs.

Reading checks every file against the hash in config.json and every tensor against the networks:
nothing missing, nothing left over. What then runs the networks is in ``runtime``; what saves them
in ``networks.bundle_file``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import cast

from ...common.arrays import AnyArray
from ...common.atomic_files import TEMPORARY, make_folder, write_files
from ...common.errors import MMMError
from ...common.safetensors_data import MOST_HEADER_BYTES, read_safetensors
from ...common.schema import GET_AGAIN, from_json, json_hash, to_json
from ...common.untrusted import check_file, clean_text, file_bytes, json_value, lies_inside
from ..config import BUNDLE_VERSION, BundleConfig
from ..weight_files import MOST_BYTES, Shapes, check_arrays, damaged
from .tensor_shapes import tokenizer_shapes, transformer_shapes

CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.safetensors"
TRANSFORMER_FILE = "transformer.safetensors"
_WEIGHTS = (TOKENIZER_FILE, TRANSFORMER_FILE)
MOST_CONFIG_BYTES = 2**20


def add_file(folder: Path, config: BundleConfig, name: str, content: bytes) -> BundleConfig:
    """Write a further file into a bundle, and ``config`` with its hash; returns the config."""
    digest = hashlib.sha256(content_of(name, content)).hexdigest()
    files = config.files | {name: digest}
    config = replace(config, files=files, limits=config.derived_limits)
    written = json.dumps(to_json(config), indent=1).encode()
    make_folder((folder / name).parent)
    write_files({folder / name: content, folder / CONFIG_FILE: written})
    return config


def files_of(folder: Path, inside: str) -> dict[str, Path]:
    """All files of a folder that is to become the bundle's sub-folder ``inside``."""
    paths = sorted(path for path in folder.rglob("*") if belongs(path))
    if not paths:
        raise MMMError(f"{folder} holds no weights: choose another folder.")
    return {f"{inside}/{path.relative_to(folder).as_posix()}": path for path in paths}


@dataclass(frozen=True, eq=False)
class StoredBundle:
    """A bundle as read and checked, before anything runs it. tokenizer, transformer: tensors by
    name, as they are stored."""

    folder: Path
    config: BundleConfig
    tokenizer: dict[str, AnyArray]
    transformer: dict[str, AnyArray]
    hash: str


def read_bundle(folder: Path) -> StoredBundle:
    """Read and check a bundle; MMMError says in one sentence what is wrong with it."""
    config = read_config(folder)
    for name in config.files:
        if name not in _WEIGHTS:
            _check(folder, name, config)
    wanted = (
        tokenizer_shapes(config.tokenizer),
        transformer_shapes(config.transformer, config.tokenizer),
    )
    tokenizer, transformer = (
        _tensors(folder, name, config, shapes)
        for name, shapes in zip(_WEIGHTS, wanted, strict=True)
    )
    return StoredBundle(folder, config, tokenizer, transformer, bundle_hash(folder))


def read_config(folder: Path) -> BundleConfig:
    """Only the config of a bundle."""
    values = _config_values(folder)
    _check_version(folder, values)
    config = from_json(BundleConfig, values, f"{CONFIG_FILE} of the weights folder {folder.name}")
    if config.limits not in (None, config.derived_limits):
        raise MMMError(
            f"{CONFIG_FILE} of the weights folder {folder.name} has other limits than its "
            f"networks: {GET_AGAIN}."
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
            f"There are no weights in {folder}: choose a folder that holds a {CONFIG_FILE}."
        ) from error
    except ValueError as error:
        raise MMMError(
            f"{CONFIG_FILE} of the weights folder {folder.name} is damaged: {GET_AGAIN}."
        ) from error


def _check_version(folder: Path, values: object) -> None:
    """A word about the version comes before any about entries that are strange because of it."""
    entries = cast("Mapping[str, object]", values) if isinstance(values, Mapping) else {}
    version = entries.get("version", BUNDLE_VERSION)
    if version != BUNDLE_VERSION:
        raise MMMError(
            f"The weights folder {folder.name} has version {clean_text(version)}, and this MMM "
            f"reads version {BUNDLE_VERSION}: update the extension or get weights that match it."
        )


def belongs(path: Path) -> bool:
    """Whether it is a file, and not what a save that was killed left behind."""
    return path.is_file() and path.suffix not in TEMPORARY


def content_of(name: str, source: Path | bytes) -> bytes:
    """What an extra file holds. It lies in a sub-folder, so that it can't replace the weights."""
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or len(place.parts) == 1:
        raise MMMError(
            f"An extra file of weights cannot be named '{name}': name a sub-folder's file."
        )
    try:
        return source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise MMMError(
            f"{source} could not be read ({error.strerror}): nothing was written."
        ) from error


def _check(folder: Path, name: str, config: BundleConfig) -> None:
    """MMMError unless the file is the one that the config means, and in the bundle's folder."""
    _check_place(folder, name)
    try:
        check_file(folder / name, MOST_BYTES)
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _lacks(folder, name) from error
    _check_hash(folder, name, config, digest)


def _check_place(folder: Path, name: str) -> None:
    if not lies_inside(folder, name):
        raise MMMError(
            f"The weights folder {folder.name} names a file outside its folder "
            f"({clean_text(name)}): {GET_AGAIN}."
        )


def _lacks(folder: Path, name: str) -> MMMError:
    return MMMError(f"The weights folder {folder.name} lacks its file {name}: {GET_AGAIN}.")


def _check_hash(folder: Path, name: str, config: BundleConfig, digest: str) -> None:
    if digest != config.files[name]:
        raise MMMError(
            f"The file {name} of the weights folder {folder.name} is truncated or was changed (its "
            f"hash does not match): {GET_AGAIN}."
        )


def _tensors(folder: Path, name: str, config: BundleConfig, wanted: Shapes) -> dict[str, AnyArray]:
    """The tensors of a file, from the very bytes that its hash is of. A file that holds more than
    the networks want is not read."""
    if name not in config.files:
        raise MMMError(
            f"The weights folder {folder.name} does not name its file {name}: {GET_AGAIN}."
        )
    _check_place(folder, name)
    try:
        content = file_bytes(folder / name, _most_bytes(wanted))
    except OSError as error:
        raise _lacks(folder, name) from error
    _check_hash(folder, name, config, hashlib.sha256(content).hexdigest())
    try:
        arrays = read_safetensors(content)
    except ValueError as error:
        raise damaged(folder / name, f"{GET_AGAIN}.") from error
    check_arrays(wanted, arrays, folder / name, f"{GET_AGAIN}.")
    return arrays


def _most_bytes(wanted: Shapes) -> int:
    """Of a file of such tensors: numbers of 8 bytes, and a header."""
    return 8 * sum(map(math.prod, wanted.values())) + MOST_HEADER_BYTES
