"""Bundles that the user adds and removes: a folder or a zip from anybody, checked at the door.

Nothing here knows bpy. What a bundle says of itself is compared with its files; whether the
networks take its tensors is the worker's to say, as of every bundle.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import stat
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, cast

from ...common.atomic_files import make_folder, writing
from ...common.errors import MMMError
from ...common.untrusted import (
    check_file,
    file_bytes,
    is_file,
    is_folder,
    is_text,
    json_value,
    lies_inside,
)
from .bundle_cards import CONFIG_NAME, STARTER_NAME, BundleCard, read_card

MOST_BYTES = 4 * 2**30
"""Of all files of a bundle; the published pair with CLIP beside it takes 1.3 GB."""
MOST_FILES = 1_000

_MOST_CONFIG_BYTES = 2**20
_ADDING, _PART = "adding", ".part"
_LEFTOVER_SECONDS = 3600.0
_CHUNK = 2**20
_LINK = "a link, which weights have none of"


def add_bundle(source: Path, library: Path) -> BundleCard:
    """Copy a bundle into the library; ``source`` is its folder, a file in it, or a zip.

    MMMError, with the library as it was, where it is none, is damaged, or is there already.
    """
    if source.suffix.lower() == ".zip":
        return _add(source.stem, library, partial(_unpack, source))
    folder = source if is_folder(source) else source.parent
    return _add(folder.name, library, partial(_copy, folder))


def remove_bundle(card: BundleCard, library: Path) -> None:
    """Delete a bundle of the library. MMMError for one that lies elsewhere."""
    if card.folder.parent.resolve() != library.resolve():
        raise MMMError(
            f"The weights '{card.name}' do not lie in {library}: only what was added there can be "
            "removed here."
        )
    doomed = card.folder.with_name(card.folder.name + _PART)
    with writing(card.folder):
        shutil.rmtree(doomed, ignore_errors=True)
        card.folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _add(name: str, library: Path, fill: Callable[[Path], None]) -> BundleCard:
    make_folder(library)
    _remove_leftovers(library)
    with writing(library):  # of our own: another Blender may add at the same time
        holder = Path(tempfile.mkdtemp(prefix=_ADDING, suffix=_PART, dir=library))
    try:
        part = holder / "content"
        with writing(library):
            fill(part)
        bundle = _bundle_folder(part)
        check_files(bundle)
        target = new_bundle_folder(library, bundle.name if bundle != part else name)
        _take_name(bundle, target)
    finally:
        shutil.rmtree(holder, ignore_errors=True)
    return read_card(target)


def _take_name(bundle: Path, target: Path) -> None:
    """The new folder gets its name, unless another Blender has just given that to one."""
    with writing(target):
        try:
            bundle.rename(target)
        except OSError:
            new_bundle_folder(target.parent, target.name)
            raise


def _remove_leftovers(library: Path) -> None:
    """What a Blender that was killed while it added has left; a younger one may be at work."""
    for path in library.glob(f"{_ADDING}*{_PART}"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - _LEFTOVER_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def new_bundle_folder(library: Path, name: str) -> Path:
    """Where a bundle of that name is to lie. MMMError where there is one already."""
    target = library / _key(name)
    if target.exists() or target.name == STARTER_NAME:
        raise MMMError(
            f"There are weights called '{target.name}' already: remove those first, or choose "
            "another name."
        )
    return target


def _key(name: str) -> str:
    """A folder name that every system takes."""
    kept = "".join(sign if sign.isalnum() or sign in "-_ ." else "_" for sign in name).strip(" .")
    return kept[:64] or "weights"


def _bundle_folder(part: Path) -> Path:
    """The folder with the config: the whole, or the one folder in it."""
    found = [path.parent for path in (*part.glob(CONFIG_NAME), *part.glob(f"*/{CONFIG_NAME}"))]
    if len(found) == 1 or (found and found[0] == part):
        return found[0]
    raise MMMError(
        f"That is no folder of weights ({'no' if not found else 'more than one'} {CONFIG_NAME}): "
        "choose one folder of weights, or its zip."
    )


def _unpack(archive: Path, part: Path) -> None:
    """A zip's files, none of which may land elsewhere or be larger than it says."""
    try:
        check_file(archive, MOST_BYTES)
    except OSError as error:
        raise MMMError(
            f"{archive.name} cannot be read ({error.strerror}): get it again."
        ) from error
    try:
        with zipfile.ZipFile(archive) as content:
            entries = [entry for entry in content.infolist() if not entry.is_dir()]
            _check_size((entry.file_size for entry in entries), archive)
            for entry in entries:
                _unpack_entry(content, entry, part)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise MMMError(
            f"{archive.name} cannot be read as a zip ({error}): get it again."
        ) from error


def _unpack_entry(content: zipfile.ZipFile, entry: zipfile.ZipInfo, part: Path) -> None:
    name = entry.filename
    parts = PurePosixPath(name).parts
    mode = entry.external_attr >> 16
    outside = not is_text(name, 1024) or "\\" in name or ":" in name or ".." in parts
    if outside or PurePosixPath(name).is_absolute() or stat.S_ISLNK(mode):
        raise MMMError(f"The zip holds {name!r}, which leads out of its folder: do not trust it.")
    target = part.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with content.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise zipfile.BadZipFile(f"{name} is larger than it says")
            file.write(chunk)


def _copy(folder: Path, part: Path) -> None:
    """A folder's files; links are not followed."""
    if not is_file(folder / CONFIG_NAME):
        raise MMMError(f"{folder} is no folder of weights (no {CONFIG_NAME}): choose another one.")
    paths = sorted(folder.rglob("*"))
    for path in paths:
        if path.is_symlink():
            raise MMMError(f"{path} is {_LINK}: put the file itself there.")
    files = [path for path in paths if path.is_file()]
    _check_size((path.stat().st_size for path in files), folder)
    for path in files:
        target = part / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _check_size(sizes: Iterable[int], source: Path) -> None:
    known = list(sizes)
    if len(known) > MOST_FILES or sum(known) > MOST_BYTES:
        raise MMMError(
            f"{source.name} holds more than weights do ({len(known)} files, "
            f"{sum(known) / 1e9:.1f} GB): choose one folder of weights, or its zip."
        )


def check_files(bundle: Path) -> None:
    """MMMError unless every file that the config names is there, and is the one that it names."""
    try:
        content = json_value(file_bytes(bundle / CONFIG_NAME, _MOST_CONFIG_BYTES))
    except (OSError, ValueError) as error:
        raise MMMError(
            f"The {CONFIG_NAME} cannot be read ({error}): get the weights again."
        ) from error
    files = cast("dict[str, Any]", content).get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not files:
        raise MMMError(f"The {CONFIG_NAME} names no files: these are no weights of MMM.")
    for name, digest in cast("dict[str, Any]", files).items():
        if not lies_inside(bundle, name):
            raise MMMError(f"The {CONFIG_NAME} names {name!r}, which leads out of its folder.")
        if not (bundle / name).is_file():
            raise MMMError(f"The file {name} of the weights is missing: get them again.")
        if _digest(bundle / name) != digest:
            raise MMMError(f"The file {name} of the weights is damaged: get them again.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
