"""The dispatcher, with actors that do as they are asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.dataset.dispatch import Dispatcher
from mmm_blender.dataset.maker import Failure, ShardDone
from mmm_blender.dataset.pool import Done, Event, Lost, Node, Opened, Unfit
from mmm_blender.dataset.shards import ShardTask
from tests.dataset.conftest import HASH, wanted

Act = Callable[[int, str, ShardTask], Event]
"""What happens when an actor on a node is given a shard."""


def made(task: ShardTask) -> ShardDone:
    return ShardDone(task.name, len(task.clips), 0, (), 100, 0.0, 0.0, {})


@dataclass
class ScriptedPool:
    """Actors take turns on the nodes. opens: what happens when one starts there."""

    act: Act
    ids: tuple[str, ...] = ("a", "b")
    opens: Callable[[int, Node], Event] = Opened
    events: list[Event] = field(default_factory=list[Event])
    where: dict[int, str] = field(default_factory=dict[int, str])

    def capacity(self) -> int:
        return len(self.ids)

    def add(self, avoid: Collection[str]) -> int:
        number = len(self.where) + 1
        free = [each for each in self.ids if each not in avoid]
        node = free[number % len(free)]
        self.where[number] = node
        self.events.append(self.opens(number, Node(node, node)))
        return number

    def submit(self, actor: int, task: ShardTask) -> None:
        self.events.append(self.act(actor, self.where[actor], task))

    def wait(self, seconds: float) -> Sequence[Event]:
        events, self.events = self.events, []
        return events

    def nodes(self) -> Sequence[str]:
        return self.ids

    def close(self) -> None:
        pass


@dataclass
class Outcome:
    """What the dispatcher said."""

    made: list[str] = field(default_factory=list[str])
    failed: list[Failure] = field(default_factory=list[Failure])
    said: list[str] = field(default_factory=list[str])


def run(
    pool: ScriptedPool, tasks: Sequence[ShardTask], patience: float = 60.0
) -> tuple[Outcome, Dispatcher]:
    heard = Outcome()
    dispatcher = Dispatcher(
        pool,
        2,
        iter(tasks),
        HASH,
        lambda done: heard.made.append(done.name),
        heard.failed.append,
        heard.said.append,
        patience=patience,
    )
    dispatcher.run()
    return heard, dispatcher


def tasks_of(shards: int, rows: int = 4) -> list[ShardTask]:
    lines = range(2, 2 + shards * rows)
    clips = [wanted(line) for line in lines]
    return [ShardTask.of(clips[at : at + rows], HASH) for at in range(0, len(clips), rows)]


def works(actor: int, node: str, task: ShardTask) -> Event:
    return Done(actor, made(task))


def test_every_shard_is_made_once_by_all_who_are_there() -> None:
    tasks = tasks_of(20)
    heard, dispatcher = run(ScriptedPool(works), tasks)
    assert sorted(heard.made) == sorted(task.name for task in tasks)
    assert {node: count.shards for node, count in dispatcher.counts.items()} == {"a": 10, "b": 10}


def test_nothing_to_do_starts_nobody() -> None:
    pool = ScriptedPool(works)
    assert run(pool, [])[0].made == []
    assert not pool.where


def test_a_shard_of_a_lost_actor_is_made_by_another() -> None:
    losses = iter([True, False, False, True])

    def act(actor: int, node: str, task: ShardTask) -> Event:
        return Lost(actor, "killed") if next(losses, False) else works(actor, node, task)

    tasks = tasks_of(6)
    heard, dispatcher = run(ScriptedPool(act), tasks)
    assert sorted(heard.made) == sorted(task.name for task in tasks)
    assert dispatcher.lost_actors == 2
    assert len(heard.said) == 2
    assert not heard.failed


def test_a_row_that_ends_its_process_is_found_and_the_others_are_made() -> None:
    def act(actor: int, node: str, task: ShardTask) -> Event:
        deadly = any(clip.line == 9 for clip in task.clips)
        return Lost(actor, "out of memory") if deadly else works(actor, node, task)

    rows: list[int] = []
    tasks = tasks_of(3, rows=8)
    pool = ScriptedPool(act)
    heard, _ = run(pool, tasks)
    for task in tasks:
        rows += [clip.line for clip in task.clips]
    assert [(failure.line, failure.name) for failure in heard.failed] == [(9, "clip9")]
    assert "out of memory" in heard.failed[0].sentence
    assert len(heard.made) == 2 + 3  # two whole, and 4 + 2 + 1 rows of the one that was cut
    assert len(rows) == 24


def test_a_node_that_cannot_go_on_is_left_out_and_its_work_is_done_elsewhere() -> None:
    def act(actor: int, node: str, task: ShardTask) -> Event:
        full = node == "b" and task.clips[0].line > 10
        return (
            Unfit(actor, Node("b", "b"), "its disk is full") if full else works(actor, node, task)
        )

    tasks = tasks_of(10)
    pool = ScriptedPool(act)
    heard, dispatcher = run(pool, tasks)
    assert sorted(heard.made) == sorted(task.name for task in tasks)
    assert heard.said == ["The node b is left out: its disk is full."]
    assert dispatcher.counts["b"].trouble == "its disk is full"
    assert list(pool.where.values())[2:] == ["a"]


def test_with_no_node_left_it_ends_in_a_sentence() -> None:
    def opens(actor: int, node: Node) -> Event:
        return Unfit(actor, node, "it lacks the bundle")

    with pytest.raises(
        MMMError, match=r"No node can make clips \(.: it lacks the bundle; "
    ) as said:
        run(ScriptedPool(works, opens=opens), tasks_of(3))
    assert str(said.value).endswith("what is whole stays.")


def test_actors_that_end_as_they_start_are_not_started_for_ever() -> None:
    pool = ScriptedPool(works, opens=lambda actor, _: Lost(actor, "killed"))
    with pytest.raises(MMMError, match="actors ended before they had work"):
        run(pool, tasks_of(3))
    assert len(pool.where) < 10


def test_a_cluster_without_room_ends_in_a_sentence() -> None:
    pool = ScriptedPool(works)
    pool.wait = lambda seconds: []  # type: ignore[method-assign]  # nobody ever opens
    with pytest.raises(MMMError, match="no actor could be started"):
        run(pool, tasks_of(1), patience=0.0)
