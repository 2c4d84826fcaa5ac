"""What the dispatcher asks of whatever runs actors, and what it hears of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from .maker import ShardDone
from .shards import ShardTask


@dataclass(frozen=True)
class Node:
    """A machine. id: unique. label: for people. software: versions that decide what is computed."""

    id: str
    label: str
    software: str = ""


@dataclass(frozen=True)
class Opened:
    """An actor has loaded its bundle and waits for work."""

    actor: int
    node: Node


@dataclass(frozen=True)
class Unfit:
    """An actor's machine cannot go on; sentence: why and what to do."""

    actor: int
    node: Node
    sentence: str


@dataclass(frozen=True)
class Done:
    """An actor has made the shard that it was given."""

    actor: int
    result: ShardDone


@dataclass(frozen=True)
class Lost:
    """An actor has ended without an answer. sentence: what is known of why."""

    actor: int
    sentence: str


Event = Opened | Unfit | Done | Lost


class Pool(Protocol):
    """Actors by numbers. Who is unfit or lost is gone from it."""

    def capacity(self) -> int:
        """How many actors the machines that are there can hold."""
        ...

    def add(self, avoid: Collection[str]) -> int:
        """Ask for an actor, on none of these nodes; returns its number. It opens when it may."""
        ...

    def submit(self, actor: int, task: ShardTask) -> None:
        """Give an opened actor without work a shard to make."""
        ...

    def wait(self, seconds: float) -> Sequence[Event]:
        """What has happened, after at most so long."""
        ...

    def nodes(self) -> Sequence[str]:
        """Ids of the machines that are there."""
        ...

    def close(self) -> None:
        """End all actors."""
        ...
