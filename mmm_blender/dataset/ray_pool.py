"""Actors on a Ray cluster, of this machine alone or of many.

Ray places actors, carries small messages and notices what dies. Clips never travel through it:
each actor writes its shards where all machines see them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any, cast

# before Ray is imported: no reports to its makers from here, and no hints about devices
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray import cloudpickle
from ray.exceptions import RayError

from ..common.errors import MMMError
from ..common.package import PACKAGE_FOLDER, package_version
from . import clip_actor
from .maker import Failure, MakerSettings, ShardDone, code_digest
from .pool import Done, Event, Lost, Node, Opened, Unfit
from .shards import ShardTask

LOCAL = "local"
_CONNECT_SECONDS = 5.0
_NODE_LABEL = "ray.io/node-id"


@dataclass(frozen=True)
class ActorNeeds:
    """What Ray sets aside for an actor."""

    cpus: float
    gpus: float


@dataclass
class _Actor:
    """handle: Ray's. node: known once it has opened. waits_for: what its open call answers."""

    handle: Any
    node: Node | None = None


def connect(address: str, local_cpus: int) -> None:
    """Join a cluster, or start one of this machine's for LOCAL; MMMError where that fails."""
    _check_answers(address)
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    try:
        if address == LOCAL:
            ray.init(address=LOCAL, num_cpus=local_cpus, include_dashboard=False, **options)
        else:
            ray.init(address=address, **options)
    except (ConnectionError, ValueError, RuntimeError, RayError) as error:
        raise _no_cluster(address, error) from error


def _check_answers(address: str) -> None:
    """MMMError where nobody listens: Ray itself would ask for minutes."""
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdecimal()):
        return  # LOCAL, or a word of Ray's such as "auto"
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> MMMError:
    first = next(iter(str(error).splitlines()), type(error).__name__)
    return MMMError(
        f"No Ray cluster could be joined at {address} ({first}): start one there with "
        "'ray start --head', or leave out --ray."
    )


class RayPool:
    """See ``pool.Pool``. settings: what actors know. module: where ``actor`` is defined, which
    travels to the nodes by value: a node may lack this package."""

    def __init__(
        self,
        settings: MakerSettings,
        needs: ActorNeeds,
        actor: type = clip_actor.ClipActor,
        module: ModuleType = clip_actor,
    ) -> None:
        self._settings, self._needs = settings, needs
        cloudpickle.register_pickle_by_value(module)
        self._class: Any = ray.remote(actor)
        self._actors: dict[int, _Actor] = {}
        self._answers: dict[Any, tuple[int, Callable[[int, dict[str, Any]], Event]]] = {}
        self._count = 0

    def capacity(self) -> int:
        """As in Pool."""
        return sum(self._fits(node) for node in _alive())

    def _fits(self, node: dict[str, Any]) -> int:
        there = cast("dict[str, float]", node["Resources"])
        asked = {"CPU": self._needs.cpus, "GPU": self._needs.gpus}
        return int(min(there.get(name, 0.0) / count for name, count in asked.items() if count))

    def nodes(self) -> Sequence[str]:
        """As in Pool: of those that can hold an actor."""
        return [node["NodeID"] for node in _alive() if self._fits(node)]

    def add(self, avoid: Collection[str]) -> int:
        """As in Pool."""
        actor = self.start(avoid)
        self._count += 1
        self._actors[self._count] = _Actor(actor)
        answer = actor.open.remote(
            str(PACKAGE_FOLDER.parent), package_version(), code_digest(), asdict(self._settings)
        )
        self._answers[answer] = (self._count, self._opened)
        return self._count

    def start(self, avoid: Collection[str]) -> Any:
        """A process that Ray will start on none of these nodes."""
        elsewhere = {_NODE_LABEL: f"!in({','.join(sorted(avoid))})"} if avoid else None
        return self._class.options(
            num_cpus=self._needs.cpus,
            num_gpus=self._needs.gpus,
            max_restarts=0,
            scheduling_strategy="SPREAD",
            label_selector=elsewhere,
        ).remote()

    def submit(self, actor: int, task: ShardTask) -> None:
        """As in Pool."""
        clips = [asdict(clip) for clip in task.clips]
        answer = self._actors[actor].handle.make.remote(task.name, clips)
        self._answers[answer] = (actor, self._made)

    def wait(self, seconds: float) -> Sequence[Event]:
        """As in Pool."""
        waiting = list(self._answers)
        if not waiting:
            return []
        ready, _ = ray.wait(waiting, num_returns=1, timeout=seconds)
        if ready:  # and all others that have come meanwhile
            ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
        return [self._event(answer) for answer in ready]

    def close(self) -> None:
        """As in Pool; leaves the cluster, and ends it where it was this machine's."""
        for actor in list(self._actors):
            self._drop(actor)
        ray.shutdown()

    def _event(self, answer: Any) -> Event:
        actor, meaning = self._answers.pop(answer)
        try:
            value = cast("dict[str, Any]", ray.get(answer))
        except RayError as error:
            self._drop(actor)
            return Lost(actor, _reason(error))
        event = meaning(actor, value)
        if isinstance(event, Unfit):
            self._drop(actor)
        return event

    def _opened(self, actor: int, answer: dict[str, Any]) -> Event:
        node = Node(answer["id"], answer["label"], answer.get("software", ""))
        if answer["trouble"]:
            return Unfit(actor, node, answer["trouble"])
        self._actors[actor].node = node
        return Opened(actor, node)

    def _made(self, actor: int, answer: dict[str, Any]) -> Event:
        if "trouble" in answer:
            return Unfit(actor, Node(answer["id"], answer["label"]), answer["trouble"])
        failures = tuple(Failure(**each) for each in answer.pop("failures"))
        return Done(actor, ShardDone(failures=failures, **answer))

    def _drop(self, actor: int) -> None:
        found = self._actors.pop(actor, None)
        if found is not None:
            ray.kill(found.handle, no_restart=True)


def _alive() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _reason(error: RayError) -> str:
    """What is known of an actor's end, in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
