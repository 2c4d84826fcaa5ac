"""Hands out shards to actors until all are made, whatever happens to actors and machines.

A shard of an actor that is lost goes to another. One that has lost two actors is cut in halves, so
that a row that ends its process is found and the others are made. A machine that cannot go on gets
no actors any more.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..common.errors import MMMError
from .maker import Failure, ShardDone
from .pool import Done, Event, Lost, Node, Opened, Pool, Unfit
from .shards import ShardTask

PATIENCE = 300.0
"""Seconds without an actor that works, after which a run gives up."""

_WAIT = 1.0
_LOSSES = 2  # after which a shard is cut
_STILLBORN = 3  # actors that end before they have work, after which each costs its place


@dataclass
class NodeCount:
    """What a machine did. trouble: why it was left out, "" where it was not."""

    node: Node
    actors: int = 0
    shards: int = 0
    clips: int = 0
    trouble: str = ""


@dataclass
class Dispatcher:
    """Runs shards through a pool.

    wanted: actors at most. tasks: shards, taken as they are needed. bundle_hash: of the keys.
    done, failed, say: notified of each shard, of rows that no actor survives, and of what a person
    should know. tick: called about once a second.
    """

    pool: Pool
    wanted: int
    tasks: Iterator[ShardTask]
    bundle_hash: str
    done: Callable[[ShardDone], None]
    failed: Callable[[Failure], None]
    say: Callable[[str], None]
    tick: Callable[[], None] = lambda: None
    patience: float = PATIENCE
    counts: dict[str, NodeCount] = field(default_factory=dict[str, NodeCount])
    lost_actors: int = 0
    stillborn: int = 0

    def __post_init__(self) -> None:
        self._again: deque[ShardTask] = deque()
        self._losses: dict[str, int] = {}
        self._opening: set[int] = set()
        self._idle: set[int] = set()
        self._busy: dict[int, ShardTask] = {}
        self._where: dict[int, str] = {}
        self._ended = False
        self._active = time.monotonic()

    def run(self) -> None:
        """Make all shards; MMMError where nobody is left to make them."""
        if self._exhausted() and not self._again:
            return
        self._fill_pool()
        while self._feed():
            for event in self.pool.wait(_WAIT):
                self._take(event)
            self.tick()
            self._check_alive()

    def open_pool(self, actors: int) -> None:
        """Wait until so many actors are open, before any gets work: for measurements."""
        self._fill_pool()
        while len(self._idle) < actors:
            for event in self.pool.wait(_WAIT):
                self._take(event)
            self._check_alive()

    def _feed(self) -> bool:
        """Give work to all who wait; False when there is none left, and none under way."""
        while self._idle and (task := self._next()):
            actor = self._idle.pop()
            self._busy[actor] = task
            self.pool.submit(actor, task)
        return bool(self._busy or self._again) or not self._exhausted()

    def _next(self) -> ShardTask | None:
        if self._again:
            return self._again.popleft()
        task = None if self._ended else next(self.tasks, None)
        self._ended = self._ended or task is None
        return task

    def _exhausted(self) -> bool:
        """Whether all shards were taken; asks for one more to know."""
        if not self._ended and (task := self._next()):
            self._again.append(task)
        return self._ended

    def _take(self, event: Event) -> None:
        if not isinstance(event, Lost):
            self._active = time.monotonic()
        if isinstance(event, Opened):
            self._opening.discard(event.actor)
            self._idle.add(event.actor)
            self._where[event.actor] = event.node.id
            self._count(event.node).actors += 1
        elif isinstance(event, Done):
            self._finish(event)
        elif isinstance(event, Unfit):
            self._leave_out(event)
        else:
            self._replace(event)

    def _finish(self, event: Done) -> None:
        self._losses.pop(self._busy.pop(event.actor).name, None)
        self._idle.add(event.actor)
        count = self.counts[self._where[event.actor]]
        count.shards += 1
        count.clips += event.result.made + event.result.rejected
        self.done(event.result)

    def _leave_out(self, event: Unfit) -> None:
        """No actor is asked for on that node again; those that work there find out themselves."""
        count = self._count(event.node)
        if not count.trouble:
            count.trouble = event.sentence
            self.say(f"The node {event.node.label} is left out: {event.sentence}.")
        if task := self._forget(event.actor):
            self._again.appendleft(task)
        self._fill_pool()

    def _replace(self, event: Lost) -> None:
        self.lost_actors += 1
        task = self._forget(event.actor)
        if task is None:
            self.stillborn += 1
            self.wanted -= self.stillborn > _STILLBORN
            self.say(f"An actor ended before it had work ({event.sentence}).")
        else:
            self.say(f"An actor ended while it made {task.name} ({event.sentence}): made again.")
            self._retry(task, event.sentence)
        self._fill_pool()

    def _retry(self, task: ShardTask, sentence: str) -> None:
        losses = self._losses.pop(task.name, 0) + 1
        if losses < _LOSSES:
            self._losses[task.name] = losses
            self._again.appendleft(task)
        elif len(task.clips) > 1:
            halves = task.halves(self.bundle_hash)
            self._losses |= {half.name: _LOSSES - 1 for half in halves}
            self._again.extendleft(halves)
        else:
            clip = next(iter(task.clips))
            reason = f"Each process that made it ended ({sentence})."
            self.failed(Failure(clip.line, clip.name, reason))

    def _forget(self, actor: int) -> ShardTask | None:
        """The work of an actor that is gone."""
        self._opening.discard(actor)
        self._idle.discard(actor)
        self._where.pop(actor, None)
        return self._busy.pop(actor, None)

    def _fill_pool(self) -> None:
        """Ask for as many actors as are wanted; those that find no room yet open when they do."""
        bad = self._bad_nodes()
        if bad and not set(self.pool.nodes()) - bad:
            return
        while len(self._opening) + len(self._idle) + len(self._busy) < self.wanted:
            self._opening.add(self.pool.add(bad))

    def _bad_nodes(self) -> set[str]:
        return {node for node, count in self.counts.items() if count.trouble}

    def _count(self, node: Node) -> NodeCount:
        return self.counts.setdefault(node.id, NodeCount(node))

    def _check_alive(self) -> None:
        """MMMError where no actor works and none will."""
        if self._idle or self._busy:
            self._active = time.monotonic()
            return
        troubles = "; ".join(
            f"{count.node.label}: {count.trouble}"
            for count in self.counts.values()
            if count.trouble
        )
        if troubles and not set(self.pool.nodes()) - self._bad_nodes():
            raise MMMError(f"No node can make clips ({troubles}); what is whole stays.")
        if self.wanted <= 0:
            raise MMMError(
                f"{self.stillborn} actors ended before they had work, as said above: look at the "
                "memory of the machines; what is whole stays."
            )
        if time.monotonic() - self._active > self.patience:
            raise MMMError(
                f"For {self.patience:.0f} s no actor could be started ({troubles or 'no room'}): "
                "look at the cluster with 'ray status'; what is whole stays."
            )
