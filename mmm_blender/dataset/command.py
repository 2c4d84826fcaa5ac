"""The command: from options to a data set, with exit codes for farms."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ..common.console import (
    ALL_MADE,
    INTERRUPTED,
    NOT_DONE,
    SOME_FAILED,
    speak_in_any_encoding,
)
from ..common.errors import MMMError
from ..motion.bundles.bundle import bundle_hash, read_config
from .options import parse

if TYPE_CHECKING:
    from .dispatch import NodeCount
    from .folder import Facts
    from .ledger import Ledger
    from .maker import MakerSettings
    from .plan import Plan

_PACKAGES = ("ray", "pyarrow")
_FILTERS = ("max_foot_slide", "min_similarity", "min_copy_distance")


def main(arguments: Sequence[str], program: str) -> int:
    """Run from the command line; returns the exit status."""
    speak_in_any_encoding()
    options = parse(arguments, program)
    try:
        return run(options)
    except MMMError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return NOT_DONE
    except KeyboardInterrupt:
        print(f"{program}: stopped; what is whole stays, run it again to go on.", file=sys.stderr)
        return INTERRUPTED


def run(options: argparse.Namespace) -> int:
    """Make what is missing; returns the exit status. MMMError for what stops all of it."""
    _check_packages()
    # Arrow is in the optional extra: only after the check
    from .folder import DatasetFolder  # noqa: PLC0415
    from .key_index import KeyIndex  # noqa: PLC0415
    from .ledger import Ledger  # noqa: PLC0415
    from .plan import Plan  # noqa: PLC0415
    from .tables import count_rows, read_rows  # noqa: PLC0415

    facts = _facts(options, *read_bundle(options.bundle))
    total = count_rows(options.prompts)
    with DatasetFolder(options.out) as folder, KeyIndex() as index:
        folder.settle(facts)
        folder.clean()
        ledger = Ledger(total, folder.path, folder.shards, options.prompts, facts)
        for keys in folder.stored_keys(ledger.say):
            if twice := index.add_stored(keys):
                ledger.say(f"{twice} clips are in two shards of {folder.shards}.")
        rows = read_rows(options.prompts)
        plan = Plan(rows, index, ledger, facts.bundle_hash, options.rows_per_shard)
        return _make(options, _settings(options, facts, folder.shards), plan)


def read_bundle(folder: Path) -> tuple[str, str]:
    """Name and hash of the bundle in a folder, without loading it; MMMError where there is none."""
    return read_config(folder).name, bundle_hash(folder)


def _check_packages() -> None:
    if missing := [name for name in _PACKAGES if importlib.util.find_spec(name) is None]:
        raise MMMError(
            f"This Python lacks {' and '.join(missing)}: install the extra with "
            "'pip install .[cluster]' in MMM's checkout."
        )


def _facts(options: argparse.Namespace, name: str, bundle_hash: str) -> Facts:
    from .folder import Facts  # noqa: PLC0415  # needs Arrow

    filters = {each: getattr(options, each) for each in _FILTERS}
    return Facts(
        name,
        bundle_hash,
        options.fps,
        not options.no_pin_feet,
        options.formats,
        {each: value for each, value in filters.items() if value is not None},
    )


def _settings(options: argparse.Namespace, facts: Facts, shards: Path) -> MakerSettings:
    from .maker import MakerSettings  # noqa: PLC0415  # needs Arrow

    return MakerSettings(
        str(options.bundle.resolve()),
        facts.bundle_hash,
        str(shards.resolve()),
        "cuda" if options.gpus_per_actor else "cpu",
        options.threads_per_actor,
        options.per_actor_batch,
        facts.fps,
        facts.pin_feet,
        facts.formats,
        facts.filters,
        _absolute(options.evaluator),
        _absolute(options.training_set),
    )


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.resolve())


def _make(options: argparse.Namespace, settings: MakerSettings, plan: Plan) -> int:
    """Make what the plan still asks for; returns the exit status."""
    from .dispatch import Dispatcher  # noqa: PLC0415  # needs Arrow
    from .ray_pool import ActorNeeds, RayPool, connect  # noqa: PLC0415  # needs Ray

    first = next(plan.tasks, None)
    if first is None:
        return _ended(plan.ledger, [])
    local_actors = options.actors or (os.cpu_count() or 1) // options.threads_per_actor or 1
    connect(options.ray, local_actors * options.threads_per_actor)
    pool = RayPool(settings, ActorNeeds(options.threads_per_actor, options.gpus_per_actor))
    dispatcher = Dispatcher(
        pool,
        min(options.actors or max(1, pool.capacity()), plan.most_shards),
        chain([first], plan.tasks),
        settings.bundle_hash,
        plan.ledger.done,
        plan.ledger.failed,
        plan.ledger.say,
        lambda: plan.ledger.tick(dispatcher.counts.values()),
    )
    stopped = "Ctrl-C"
    try:
        dispatcher.run()
        stopped = ""
    except MMMError as error:
        stopped = str(error)
        raise
    finally:
        pool.close()
        nodes = list(dispatcher.counts.values())
        plan.ledger.write(nodes, ended=not stopped, stopped=stopped)
    return _ended(plan.ledger, nodes)


def _ended(ledger: Ledger, nodes: Sequence[NodeCount]) -> int:
    path = ledger.write(nodes, ended=True)
    counts = ledger.counts
    ledger.clear_line()
    print(
        f"{counts.made} made, {counts.rejected} did not pass, {counts.stored_before} were there, "
        f"{counts.repeated} repeated, {counts.failed} failed; see {path}",
        flush=True,
    )
    return SOME_FAILED if counts.failed else ALL_MADE
