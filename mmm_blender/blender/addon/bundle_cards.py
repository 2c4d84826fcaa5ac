"""Which bundles (weights) there are, and what their config.json says to the user.

Only what the panel shows is read here, without torch; the worker reads a bundle strictly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from ...common.errors import MMMError
from ...common.schema import json_hash
from ...common.untrusted import clean_text, file_bytes, is_file, json_value
from ...motion.limits import BundleLimits, read_limits
from .paths import PACKAGE_FOLDER

CONFIG_NAME = "config.json"
STARTER_NAME = "starter"
"""Folder name of the bundle that comes with the add-on, which is the default."""

_WEIGHTS_NAME = "weights"
_MOST_CONFIG_BYTES = 2**20
_MOST_DESCRIPTION = 2_000
_NO_LICENCE = "Licence not stated: ask its maker"
_NO_SALE = "Not for commercial use"
LICENCE_TEXTS = (_NO_LICENCE, _NO_SALE)
"""What panels say of a licence, beside its name."""
_NON_COMMERCIAL = "NC"


@dataclass(frozen=True)
class BundleCard:
    """What the panel says of a bundle.

    limits: what it can make, None where only the worker knows. poll_error: a sentence where the
    config cannot be read, else "". composites: one clip may hold sentences of two parts.
    """

    folder: Path
    name: str
    licence: str = ""
    description: str = ""
    limits: BundleLimits | None = None
    poll_error: str = ""
    composites: bool = False

    @property
    def key(self) -> str:
        """What identifies the bundle in a scene: the name of its folder."""
        return self.folder.name

    @property
    def is_non_commercial(self) -> bool:
        """The licence allows no commercial use."""
        return _NON_COMMERCIAL in self.licence.upper().replace(" ", "-").split("-")

    @property
    def licence_lines(self) -> tuple[str, ...]:
        """The licence, said plainly."""
        if not self.licence:
            return (_NO_LICENCE,)
        name = self.licence.replace("CC-", "CC ").replace("-4.0", " 4.0")
        if self.is_non_commercial:
            return (f"Weights: {name}", _NO_SALE)
        return (f"Weights: {name}",)


def weight_folders(own_folder: Path) -> list[Path]:
    """Folders that hold bundles: the package's, the checkout's, and the user's own."""
    return [PACKAGE_FOLDER / _WEIGHTS_NAME, PACKAGE_FOLDER.parent / _WEIGHTS_NAME, own_folder]


def find_bundles(folders: Iterable[Path]) -> list[BundleCard]:
    """A card for every bundle, the starter first; of two with one folder name the first."""
    found: dict[str, BundleCard] = {}
    for config in (path for folder in folders for path in _configs(folder)):
        found.setdefault(config.parent.name, read_card(config.parent))
    return sorted(found.values(), key=lambda card: (card.key != STARTER_NAME, card.key))


def _configs(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob(f"*/{CONFIG_NAME}"))
    except OSError:  # a folder on a drive that has gone
        return []


def choose_bundle(cards: list[BundleCard], wanted: str) -> BundleCard:
    """The bundle that ``wanted`` names: a folder name, a path, or "" for the first."""
    named = next((card for card in cards if wanted in ("", card.key)), None)
    if named is not None:
        return named
    if wanted and is_file(Path(wanted) / CONFIG_NAME):
        return read_card(Path(wanted))
    if wanted:
        raise MMMError(
            f"The weights '{wanted}' are not there (no {CONFIG_NAME}): choose others in the MMM "
            "panel, or put the folder back."
        )
    raise MMMError(
        "There are no weights: install the add-on again, or choose a folder of weights in its "
        "preferences."
    )


def read_card(folder: Path) -> BundleCard:
    """The card of one bundle, read again whenever its config changed."""
    config = folder / CONFIG_NAME
    try:
        return _read_card(folder, config.stat().st_mtime_ns)
    except OSError:
        return BundleCard(folder, folder.name, poll_error=_damaged(folder))


@lru_cache(maxsize=64)
def _read_card(folder: Path, _stamp: int) -> BundleCard:
    """_stamp: the config's time, so that the cache notices a change."""
    try:
        content = json_value(file_bytes(folder / CONFIG_NAME, _MOST_CONFIG_BYTES).decode())
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        return BundleCard(folder, folder.name, poll_error=_damaged(folder))
    config = cast("dict[str, Any]", content)
    limits = read_limits(config)
    return BundleCard(
        folder,
        clean_text(str(config.get("name") or folder.name)),
        clean_text(str(config.get("licence", ""))),
        clean_text(str(config.get("description", "")), _MOST_DESCRIPTION),
        limits,
        composites=config.get("composites") is True,
    )


def config_hash(card: BundleCard) -> str:
    """What the worker calls ``bundle_hash``: SHA-256 of the config, which holds those of all files;
    "" where it cannot be read."""
    try:
        content = json_value(file_bytes(card.folder / CONFIG_NAME, _MOST_CONFIG_BYTES).decode())
    except (OSError, ValueError):
        return ""
    return json_hash(content)


def _damaged(folder: Path) -> str:
    return f"The {CONFIG_NAME} of the weights '{folder.name}' cannot be read: get them again."
