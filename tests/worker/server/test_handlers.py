"""Messages that want a motion: edits, sequences and replays, by the real worker."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.common.arrays import BoolArray
from mmm_blender.geometry.editing.conditions import Conditions, Ends
from mmm_blender.geometry.editing.edit_mask import BodyPart, span_mask
from mmm_blender.geometry.editing.limb_pins import Pin
from mmm_blender.geometry.ground_path import GroundPath
from mmm_blender.motion.pipeline.pipeline import EditRequest, MotionPipeline, SequenceRequest
from mmm_blender.worker import protocol as p
from mmm_blender.worker.client import WorkerClient
from mmm_blender.worker.preview_messages import Previewed
from tests.geometry.motions import smooth_clip
from tests.worker.tiny_bundle import save_tiny_bundle

CLIP = smooth_clip(72, 24.0, seed=2)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> p.LoadBundle:
    folder = save_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")
    return p.LoadBundle(str(folder), "cpu", threads=1)


@pytest.fixture(scope="module")
def client() -> Iterator[WorkerClient]:
    worker = WorkerClient(Path(sys.executable))
    yield worker
    worker.stop()


def edit(client: WorkerClient, part: BodyPart = "all", **changes: Any) -> p.Edit:
    mask = span_mask(CLIP.frames, 24, 48, part)
    message = p.Edit(
        CLIP.rotations_TJ4,
        CLIP.root_T3,
        CLIP.fps,
        mask.rotations_TJ.astype(np.int64),
        mask.root_T.astype(np.int64),
        "a person runs.",
        seed=3,
        job=client.new_job(),
    )
    return replace(message, **changes)


def sequence(client: WorkerClient, **changes: Any) -> p.GenerateSequence:
    prompts = ("a person walks.", "a person runs.")
    message = p.GenerateSequence(prompts, (1.0, 2.0), (1, 2), fps=30.0, job=client.new_job())
    return replace(message, **changes)


def same(a: p.Generated, b: p.Generated) -> bool:
    equal = a.rotations_TJ4.tobytes() == b.rotations_TJ4.tobytes()
    return equal and a.root_T3.tobytes() == b.root_T3.tobytes()


def kept(mask: BoolArray, values: np.ndarray[Any, Any]) -> bytes:
    return values[~mask].tobytes()


@pytest.mark.parametrize("part", ["all", "lower", "upper"])
def test_an_edit_keeps_all_but_its_mask(
    client: WorkerClient, bundle: p.LoadBundle, part: BodyPart
) -> None:
    seen: list[p.Progress] = []
    answer = client.run_blocking(edit(client, part), bundle, seen.append)
    mask = span_mask(CLIP.frames, 24, 48, part)
    assert answer.fps == CLIP.fps
    assert kept(mask.rotations_TJ, answer.rotations_TJ4) == kept(
        mask.rotations_TJ, CLIP.rotations_TJ4
    )
    assert kept(mask.root_T, answer.root_T3) == kept(mask.root_T, CLIP.root_T3)
    assert not np.array_equal(answer.rotations_TJ4, CLIP.rotations_TJ4)
    assert seen[-1].step == seen[-1].steps and seen[-1].stage == p.STAGE_GENERATING


def test_the_worker_says_what_the_generator_says(
    client: WorkerClient, bundle: p.LoadBundle
) -> None:
    generator = MotionPipeline.load(Path(bundle.path), threads=1)
    request = EditRequest(CLIP, span_mask(CLIP.frames, 24, 48, "all"), "a person runs.", 3)
    ours = generator.edit(replace(request, moves_after=True))
    answer = client.run_blocking(edit(client, moves_after=True), bundle)
    assert np.array_equal(answer.rotations_TJ4, ours.clip.rotations_TJ4)
    assert answer.notes == ours.notes and answer.ground_move == tuple(ours.ground_move)
    wanted = SequenceRequest(("a person walks.", "a person runs."), (1.0, 2.0), (1, 2), 30.0)
    answer = client.run_blocking(sequence(client), bundle)
    assert np.array_equal(answer.root_T3, generator.sequence(wanted).clip.root_T3)
    assert len(answer.root_T3) == 90 and answer.fps == 30.0


def test_recipes_replay_without_sampling(client: WorkerClient, bundle: p.LoadBundle) -> None:
    generate = p.Generate("a person walks.", 2.0, 5, fps=24.0)
    for message in (generate, edit(client), sequence(client)):
        first = client.run_blocking(message, bundle)
        recipe = json.loads(json.dumps(first.recipe))
        assert recipe["pin_feet"] is True and recipe["fps"] == first.fps
        tokens_LP = np.array(recipe["tokens"])
        steps: list[p.Progress] = []
        again = replace(message, job=client.new_job(), tokens_LP=tokens_LP)
        assert same(client.run_blocking(again, bundle, steps.append), first)
        assert all(progress.steps == 0 for progress in steps)


def test_recipes_say_what_was_asked_for(client: WorkerClient, bundle: p.LoadBundle) -> None:
    recipe = client.run_blocking(edit(client, sampler={"temperature": 0.5}), bundle).recipe
    assert (recipe["prompt"], recipe["seed"], recipe["moves_after"]) == ("a person runs.", 3, False)
    assert recipe["sampler"]["temperature"] == 0.5
    recipe = client.run_blocking(sequence(client), bundle).recipe
    assert recipe["prompts"] == ["a person walks.", "a person runs."]
    assert (recipe["seconds"], recipe["seeds"]) == ([1.0, 2.0], [1, 2])


def test_the_bundle_says_what_it_edits(client: WorkerClient, bundle: p.LoadBundle) -> None:
    client.run_blocking(edit(client), bundle)
    assert client.bundle_info is not None
    assert client.bundle_info["edits"] == ["all", "lower", "upper"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mask_root_T": np.ones(5, dtype=np.int64)}, "cannot be edited"),
        ({"root_T3": np.zeros((3, 3))}, "cannot be edited"),
        ({"fps": 0.0}, "cannot be edited"),
        ({"root_T3": np.full((72, 3), np.nan)}, "cannot be edited"),
        (
            {
                "mask_TJ": np.ones((10, 22), dtype=np.int64),
                "mask_root_T": np.ones(10, dtype=np.int64),
            },
            "72 frames and the mask 10",
        ),
        ({"mask_TJ": np.zeros((72, 22), int), "mask_root_T": np.zeros(72, int)}, "is held"),
        ({"tokens_LP": np.ones((2, 2), dtype=np.int64)}, "do not fit"),
        ({"sampler": {"speed": 3}}, "speed"),
    ],
)
def test_bad_edits_are_one_sentence(
    client: WorkerClient, bundle: p.LoadBundle, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(p.WorkerError, match=words) as raised:
        client.run_blocking(edit(client, **changes), bundle)
    assert raised.value.kind == p.FailureKind.BAD_REQUEST


def test_a_bad_sequence_is_one_sentence(client: WorkerClient, bundle: p.LoadBundle) -> None:
    with pytest.raises(p.WorkerError, match="prompt number 2 is empty"):
        client.run_blocking(sequence(client, prompts=("walk", "")), bundle)


CONDITIONS = Conditions(
    GroundPath.of([(0.0, 0.0), (0.0, 2.0), (1.0, 3.0)]),
    (Pin("head", 0.5, 0.5, np.full((1, 3), 9.0), look=True),),
).to_json()


def test_conditions_are_met_told_and_replayed(client: WorkerClient, bundle: p.LoadBundle) -> None:
    def ask(**changes: Any) -> p.Generated:
        message = p.Generate("walks", 3.0, 2, fps=24.0, conditions=CONDITIONS, job=client.new_job())
        return client.run_blocking(replace(message, **changes), bundle)

    first = ask()
    assert np.allclose(first.root_T3[-1, [0, 2]], (1.0, 3.0), atol=1e-6)
    assert first.recipe["conditions"] == CONDITIONS
    assert same(first, ask(tokens_LP=first.tokens_LP, seed=0))
    pose = Conditions(ends=Ends("pose", "free", CLIP.slice(0, 5))).to_json()
    from_pose = ask(conditions=pose)
    assert from_pose.rotations_TJ4[0].tobytes() == CLIP.rotations_TJ4[4].tobytes()
    along = client.run_blocking(sequence(client, conditions=CONDITIONS), bundle)
    assert np.allclose(along.root_T3[-1, [0, 2]], (1.0, 3.0), atol=1e-6)
    row = client.run_blocking(sequence(client, conditions=pose, fps=CLIP.fps), bundle)
    assert row.rotations_TJ4[0].tobytes() == CLIP.rotations_TJ4[4].tobytes()
    assert row.recipe["conditions"] == pose
    here = GroundPath.of(CLIP.root_T3[[23, 35, 48]][:, [0, 2]])
    edited = client.run_blocking(edit(client, conditions=Conditions(here).to_json()), bundle)
    assert edited.root_T3[48:].tobytes() == CLIP.root_T3[48:].tobytes()


def test_conditions_that_cannot_be_are_told(client: WorkerClient, bundle: p.LoadBundle) -> None:
    short = {"path": {"points": [[0, 0]], "headings": [], "seconds": [], "facing": "free"}}
    for conditions, words in (
        ({"path": short["path"] | {"target": None}}, "fewer than two points"),
        ({"tempo": 1}, "unknown conditions"),
        ({"start": "standing"}, "Only a new motion"),
    ):
        with pytest.raises(p.WorkerError, match=words) as told:
            client.run_blocking(edit(client, conditions=conditions), bundle)
        assert told.value.kind == p.FailureKind.BAD_REQUEST


def test_takes_come_in_one_answer_with_the_next_seeds(
    client: WorkerClient, bundle: p.LoadBundle
) -> None:
    message = p.Generate("a person walks.", 1.0, seed=5, takes=3)
    takes = client.run_blocking(message, bundle).takes
    assert [take.recipe["seed"] for take in takes] == [5, 6, 7]
    assert all(take.clip.frames == takes[0].clip.frames and take.more == {} for take in takes[1:])
    assert not same(takes[0], takes[1]) and not same(takes[1], takes[2])
    for take in takes[1:]:
        again = client.run_blocking(replace(message, tokens_LP=take.tokens_LP, takes=1), bundle)
        assert np.abs(again.root_T3 - take.root_T3).max() < 1e-9


@pytest.mark.parametrize("kind", ["edit", "sequence"])
def test_takes_of_edits_and_sequences(
    client: WorkerClient, bundle: p.LoadBundle, kind: str
) -> None:
    message = edit(client, takes=2) if kind == "edit" else sequence(client, takes=2)
    first, second = client.run_blocking(message, bundle).takes
    tries = {"candidates": 4} if kind == "edit" else None
    single = replace(message, takes=1, sampler=tries, job=client.new_job())
    assert same(client.run_blocking(single, bundle), first)
    name = "seed" if kind == "edit" else "seeds"
    following = replace(single, job=client.new_job(), **{name: second.recipe[name]})
    if kind == "sequence":
        following = replace(following, seeds=tuple(second.recipe["seeds"]))
    assert same(client.run_blocking(following, bundle), second)


@pytest.mark.parametrize("takes", [0, -1, 9])
def test_so_many_takes_cannot_be_made(
    client: WorkerClient, bundle: p.LoadBundle, takes: int
) -> None:
    with pytest.raises(p.WorkerError, match="ask for 1 to 8"):
        client.run_blocking(p.Generate("a person walks.", 1.0, takes=takes), bundle)


def answers(client: WorkerClient, message: p.MotionMessage) -> list[Any]:
    """All that the worker says of a job."""
    client.submit(message)
    heard: list[Any] = []
    while not any(isinstance(each, p.Generated | p.Failed) for each in heard):
        heard += [each for each in client.poll() if getattr(each, "job", None) == message.job]
    return heard


def test_previews_come_where_they_are_asked_for_and_change_nothing(
    client: WorkerClient, bundle: p.LoadBundle
) -> None:
    plain = client.run_blocking(edit(client), bundle)
    heard = answers(client, edit(client, preview=True))
    assert same(heard[-1], plain)
    assert heard[-1].recipe == plain.recipe, "nor does the recipe"
    for each in heard:
        if isinstance(each, Previewed):
            assert each.joints_TJ3.shape == (len(each.known_T), 22, 3)
    assert not any(isinstance(each, Previewed) for each in answers(client, edit(client)))


def test_a_job_that_is_to_finish_answers_with_its_result(
    client: WorkerClient, bundle: p.LoadBundle
) -> None:
    client.send(bundle)
    message = edit(client, takes=4)
    client.submit(message)
    client.finish(message.job)
    heard: list[Any] = []
    while not any(isinstance(each, p.Generated | p.Failed) for each in heard):
        heard += [each for each in client.poll() if getattr(each, "job", None) == message.job]
    assert isinstance(heard[-1], p.Generated) and 1 <= len(heard[-1].takes) <= 4
    again = client.run_blocking(edit(client, tokens_LP=heard[-1].tokens_LP), bundle)
    assert same(again, heard[-1]), "it is made again from its tokens"
