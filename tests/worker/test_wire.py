"""Messages become bytes and come back as they were; strange bytes are refused."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import pickle
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.worker import protocol as p
from mmm_blender.worker import wire
from mmm_blender.worker.preview_messages import Finish, Previewed

RNG = np.random.default_rng(0)
EXAMPLES: list[p.Message] = [
    p.Hello(package_version="1.0"),
    p.LoadBundle("/weights/starter", "cuda:0", 2, 10.0),
    p.Generate("a person wavés \U0001f44b", 4.5, 7, {"greedy": True, "steps": None}, job=3),
    p.Generate("a jump", 1.0, fps=23.976, pin_feet=False, tokens_LP=np.ones((5, 2), int)),
    p.Edit(
        RNG.normal(size=(5, 22, 4)),
        RNG.normal(size=(5, 3)),
        24.0,
        np.eye(5, 22, dtype=int),
        np.ones(5, int),
        "a wave",
        9,
        {"temperature": 0.5},
        moves_after=True,
        job=6,
    ),
    p.GenerateSequence(("walk", "run"), (2.0, 3.5), (1, 2), fps=30.0),
    p.LoadBodyModel("C:\\models\\SMPL.pkl", (0.5, -1.0), "female"),
    p.ImportCheckpoint("vq.pth", "t.pth", "m.npy", "s.npy", "", "/out/mmm", "mmm", 16),
    p.CheckpointImported(4, "/out/mmm"),
    p.Cancel(3),
    Finish(3),
    p.Shutdown(),
    p.Ready("1.0", "2.13", {"cpu": "CPU"}),
    p.BundleLoaded({"name": "starter", "parts": ["lower", "upper"]}),
    p.Progress(3, 1, 10, p.STAGE_GENERATING),
    Previewed(3, RNG.normal(size=(5, 22, 3)), np.linspace(0.0, 1.0, 5), 20.0, 1.5),
    p.Generated(
        3,
        RNG.normal(size=(5, 22, 4)),
        RNG.normal(size=(5, 3)),
        20.0,
        True,
        np.arange(6).reshape(3, 2),
        {"seed": 7},
        ("The left foot slides at frame 8.",),
        (0.5, 1.0, -2.0),
    ),
    p.BodyModelLoaded(
        4,
        "smpl",
        ("pelvis", "left_hip"),
        RNG.normal(size=(8, 3)),
        np.arange(6).reshape(2, 3),
        np.zeros((2, 3)),
        np.array([-1, 0]),
        np.full((8, 2), 0.5),
    ),
    p.Status("cpu", 512.5, bundle="starter"),
    p.Failed(None, p.FailureKind.ENVIRONMENT, "No torch."),
    p.Failed(3, p.FailureKind.CANCELLED, "Cancelled."),
]

GENERATED = next(message for message in EXAMPLES if isinstance(message, p.Generated))


def same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return bool(a.dtype == b.dtype and np.array_equal(a, b))
    return type(a) is type(b) and a == b


def sent(*messages: p.Message) -> io.BytesIO:
    stream = io.BytesIO()
    for message in messages:
        wire.write_message(stream, message)
    stream.seek(0)
    return stream


def frame(header: object) -> io.BytesIO:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(wire.MAGIC + struct.pack("<I", len(text)) + text)


def test_every_message_has_an_example() -> None:
    assert {type(message).__name__ for message in EXAMPLES} == set(p.MESSAGE_TYPES)


def test_messages_arrive_as_they_were_sent() -> None:
    stream = sent(*EXAMPLES)
    for message in EXAMPLES:
        arrived = wire.read_message(stream)
        assert type(arrived) is type(message)
        for entry in dataclasses.fields(message):
            assert same(getattr(arrived, entry.name), getattr(message, entry.name)), entry.name
    assert wire.read_message(stream) is None


@given(st.text(), st.floats(), st.integers(), st.none() | st.dictionaries(st.text(), st.text()))
def test_whatever_a_person_types_arrives(
    prompt: str, seconds: float, seed: int, sampler: dict[str, Any] | None
) -> None:
    arrived = wire.read_message(sent(p.Generate(prompt, seconds, seed, sampler)))
    assert isinstance(arrived, p.Generate)
    assert (arrived.prompt, arrived.seed, arrived.sampler) == (prompt, seed, sampler)
    assert arrived.seconds == seconds or (math.isnan(arrived.seconds) and math.isnan(seconds))


def test_arrays_that_arrived_can_be_changed() -> None:
    arrived = wire.read_message(sent(GENERATED))
    assert isinstance(arrived, p.Generated)
    arrived.root_T3[0] = 1.0
    assert arrived.root_T3[0].tolist() == [1.0, 1.0, 1.0]


class Dripping(io.RawIOBase):
    """A pipe that gives and takes one byte at a time."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        first, self.content = self.content[:1], self.content[1:]
        return first

    def write(self, data: Any, /) -> int:
        self.content += bytes(data[:1])
        return 1


def test_pipes_may_give_and_take_less_than_asked() -> None:
    pipe = Dripping()
    wire.write_message(pipe, EXAMPLES[1])  # pyright: ignore[reportArgumentType]  # raw pipes will do
    assert wire.read_message(pipe) == EXAMPLES[1]  # pyright: ignore[reportArgumentType]  # as above


@pytest.mark.parametrize("keep", [1, 7, 8, 20, -1])
def test_a_truncated_message_is_refused(keep: int) -> None:
    with pytest.raises(p.ProtocolError, match="middle of a message"):
        wire.read_message(io.BytesIO(sent(GENERATED).getvalue()[:keep]))


def header(kind: str = "Cancel", fields: object = None, arrays: object = None) -> dict[str, object]:
    return {"type": kind, "fields": fields or {}, "arrays": arrays or {}}


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (io.BytesIO(b"Loading weights... done\n"), "no message"),
        (io.BytesIO(wire.MAGIC + struct.pack("<I", 2**31)), "no message"),
        (io.BytesIO(pickle.dumps({"type": "Cancel"})), "no message"),
        (frame(b"not json"), "damaged"),
        (frame([1, 2]), "damaged"),
        (frame({"type": "Cancel"}), "damaged"),
        (frame(header("Execute", {"code": "1"})), "unknown type 'Execute'"),
        (frame(header(fields={})), "job"),
        (frame(header(fields={"job": 1, "extra": 2})), "extra"),
        (frame(header(fields={"job": "1"})), "job that is no int"),
        (frame(header(fields={"job": True})), "job that is no int"),
        (frame(header(arrays={"job": ["<f8", [2**20, 2**20]]})), "more than a message"),
        (frame(header(arrays={"job": ["|O", [1]]})), "type '|O'"),
        (frame(header(arrays={"job": ["<f8", [-1]]})), "shape"),
    ],
)
def test_strange_bytes_are_refused(stream: io.BytesIO, reason: str) -> None:
    with pytest.raises(p.ProtocolError) as raised:
        wire.read_message(stream)
    assert reason in str(raised.value)


def test_a_field_that_is_no_json_is_refused_before_it_is_sent() -> None:
    with pytest.raises(p.ProtocolError, match="cannot be sent"):
        wire.encode(p.BundleLoaded({"name": object()}))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (p.Generate("walk", np.float32(4.0)), "seconds that is no float"),  # pyright: ignore[reportArgumentType]  # that is the test
        (p.Generate("walk", 4.0, seed=1.5), "seed that is no int"),  # pyright: ignore[reportArgumentType]  # as above
        (p.Generate(b"walk", 4.0), "prompt that is no str"),  # pyright: ignore[reportArgumentType]  # as above
        (p.GenerateSequence(("walk",), (4.0,), (1.5,)), "seeds that is no tuple"),  # pyright: ignore[reportArgumentType]  # as above
        (p.LoadBodyModel("m.npz", (np.float32(1),)), "betas that is no tuple"),  # pyright: ignore[reportArgumentType]  # as above
        (p.Generate("walk" * 2**23, 4.0), "too long"),
        (dataclasses.replace(GENERATED, root_T3=[[0.0] * 3]), "root_T3 that is no FloatArray"),
        (dataclasses.replace(GENERATED, tokens_LP=np.zeros((3, 2))), "no IntArray"),
    ],
)
def test_a_field_of_another_type_is_refused_before_it_is_sent(
    message: p.Message, reason: str
) -> None:
    with pytest.raises(p.ProtocolError, match=reason):
        wire.encode(message)


def test_the_kind_of_a_failure_is_one_of_the_known() -> None:
    arrived = wire.read_message(sent(p.Failed(1, p.FailureKind.BUNDLE, "No weights.")))
    assert isinstance(arrived, p.Failed) and arrived.kind is p.FailureKind.BUNDLE
    strange = {"job": 1, "kind": "bored", "message": "No."}
    with pytest.raises(p.ProtocolError, match="kind that is no FailureKind"):
        wire.read_message(frame(header("Failed", strange, {})))


def test_narrow_arrays_are_widened() -> None:
    narrow = dataclasses.replace(GENERATED, root_T3=np.ones((5, 3), dtype=np.float32))
    arrived = wire.read_message(sent(narrow))
    assert isinstance(arrived, p.Generated)
    assert arrived.root_T3.dtype == np.float64 and arrived.root_T3.all()


def test_nested_without_end_is_refused_on_both_sides() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(p.ProtocolError, match="cannot be sent"):
        wire.encode(p.BundleLoaded({"name": nested}))
    with pytest.raises(p.ProtocolError, match="damaged"):
        wire.read_message(frame(b"[" * 100_000))
