"""What is on disk, as panels and polls show it: weights, the worker's Python, the log of Set Up."""

from __future__ import annotations

from pathlib import Path

from ...common.errors import MMMError
from ...worker.environments import (
    LOG_NAME,
    EnvironmentInfo,
    environment_info,
    other_environments,
)
from ..jobs.session import session
from .bundle_cards import BundleCard, choose_bundle, find_bundles, weight_folders
from .choices import choices
from .ui_state import ui_state
from .worker_python import find_python


def bundle_cards() -> list[BundleCard]:
    """Every bundle that can be found, the default first; looks at the disk."""
    return find_bundles(weight_folders(choices().bundles_folder))


def shown_cards() -> list[BundleCard]:
    """``bundle_cards`` for a panel."""
    return ui_state.disk_fact("bundles", bundle_cards)


def look_up_bundle(wanted: str) -> BundleCard:
    """The bundle that ``wanted`` names (see ``choose_bundle``); looks at the disk."""
    try:
        found = choose_bundle(bundle_cards(), wanted)
    except MMMError as error:
        ui_state.name_bundle(wanted, error)
        raise
    ui_state.name_bundle(wanted, found)
    return found


def find_shown_bundle(wanted: str) -> BundleCard:
    """``look_up_bundle`` for a panel: a path that nobody looked at yet is taken as it is."""
    cards = shown_cards()
    if wanted in ("", *(card.key for card in cards)) or not _is_path(wanted):
        return choose_bundle(cards, wanted)
    found = ui_state.named_bundle(wanted)
    if isinstance(found, MMMError):
        raise found
    return found


def _is_path(wanted: str) -> bool:
    return "/" in wanted or "\\" in wanted


def shown_python() -> tuple[Path | None, str]:
    """``worker_python`` for a panel or a poll."""
    python, reason = ui_state.disk_fact("python", find_python)
    if python is not None and python in session.python_errors:
        return None, session.python_errors[python]
    return python, reason


def shown_log() -> Path | None:
    """The log of Set Up, where there is one."""
    return ui_state.disk_fact("log", _log)


def _log() -> Path | None:
    log = choices().environment_folder / LOG_NAME
    return log if log.is_file() else None


def shown_environment() -> tuple[EnvironmentInfo, list[Path]]:
    """What Set Up has made, and where other versions of Blender have such an environment."""
    return ui_state.disk_fact("environment", _environment)


def _environment() -> tuple[EnvironmentInfo, list[Path]]:
    folder = choices().environment_folder
    info = environment_info(folder)
    return info, other_environments(folder) if info.python is None or info.reason else []


def register() -> None:
    """Look at the disk once, so that no redraw has to."""
    for look in (shown_cards, shown_python, shown_log, shown_environment):
        look()


def unregister() -> None:
    """Nothing is kept here."""
