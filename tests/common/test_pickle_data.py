"""A pickle is data: whatever it asks for is written down, and nothing is called."""

import io
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmm_blender.common.errors import MMMError
from mmm_blender.common.pickle_data import BoundedStream, Made, PickleError, read_pickle
from mmm_blender.smpl_model.model_file import read_arrays
from tests.limits import peak_memory

PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
)
EVIL = "os.system"


def refusal(name: str) -> Exception:
    return MMMError(name)


def read(content: bytes, *known: str) -> Any:
    return read_pickle(BoundedStream(io.BytesIO(content), len(content)), known, refusal)


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_is_what_python_reads(value: Any, protocol: int):
    content = pickle.dumps(value, protocol)
    if b"_codecs" not in content and b"__builtin__" not in content:  # an older one has no bytes
        assert read(content) == value


def test_a_call_is_written_down_and_not_made():
    made = read(b"cos\nsystem\n(S'echo'\ntR(dVa\nI1\nsb.", EVIL)
    assert isinstance(made, Made)
    assert (made.name, made.arguments, made.state) == (EVIL, ("echo",), {"a": 1})


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"(S'x'\nios\nsystem\n.",
        b"(cos\nsystem\nS'x'\no.",
    ],
)
def test_a_name_that_is_not_known_is_refused(content: bytes):
    with pytest.raises(MMMError, match=r"os\.system"):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(dVa\nI1\nsb.",  # a state for a function
        b"(lcos\nsystem\nI1\ns.",
        b"}" + b"(K\x01K\x01t" + b"K\x01s.",  # a tuple as a key: tuples of tuples hash for ever
        b"\x80\x04\x82\x01.",  # an extension code
        b"K\x01K\x02R.",
        b"R.",
        b"a.",
        b"h\x05.",
    ],
)
def test_what_makes_no_sense_is_an_error_and_no_more(content: bytes):
    with pytest.raises(PickleError):
        read(content, EVIL)


@pytest.mark.parametrize(
    "content",
    [
        b"\x8e" + b"\xff" * 7 + b"\x7f" + b"abc.",  # bytes of 2^63
        b"K\x01r\xff\xff\xff\x3f.",  # a memo of 2^30 places
        b"\x96" + b"\xff\xff\xff\xff\x00\x00\x00\x00" + b".",  # a bytearray of 4 GB
        b"(" * 400_000 + b".",
        b"]" * 400_000 + b".",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",  # a frame without end
    ],
)
def test_sizes_that_are_not_there_take_no_memory(content: bytes):
    with peak_memory() as peak, suppress(PickleError):
        read(content)
    assert peak.megabytes < 300


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_an_error(content: bytes):
    with suppress(PickleError, MMMError):
        read(content)


# --- NumPy's constructors ------------------------------------------------------------------------

DTYPE_O8 = (
    b"cnumpy.core.multiarray\nscalar\n"
    b"(cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR"
    b"(I3\nS'|'\nNNNI8\nI8\nI0\ntb"
    b"S'AAAAAAAA'\ntR."
)
"""A Python object at the address 0x4141414141414141, as a NumPy number."""


def crafted() -> list[bytes]:
    """Arrays and numbers whose type, shape or state is not what their bytes are."""
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    kinds = (b"O8", b"f8", b"S8", b"V16", b"M8", b"f16", b"c16", b"U4", b"f8,f8", b"b1", b"i9")
    states = (
        b"(I3\nS'|'\nNNNI%d\nI8\nI%d\ntb",
        b"(I3\nS'<'\n(cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I2\nttNNI%d\nI8\nI%d\ntb",
        b"(I3\nS'|'\nN(S'a'\nt(dS'a'\n(cnumpy\ndtype\n(S'O8'\nI0\nI1\ntRI0\ntsI%d\nI8\nI%d\ntb",
    )
    found: list[bytes] = [DTYPE_O8]
    for kind in kinds:
        for state in states:
            for size, flags in ((8, 0), (8, 63), (1, 63), (-8, 63)):
                dtype = b"cnumpy\ndtype\n(S'" + kind + b"'\nI0\nI1\ntR" + state % (size, flags)
                found.append(array + b"(I1\n(I100000\nt" + dtype + b"I0\nS'AAAAAAAA'\ntb.")
                found.append(b"cnumpy.core.multiarray\nscalar\n(" + dtype + b"S'AAAAAAAA'\ntR.")
    return found


def as_entry(content: bytes) -> bytes:
    return b"(dVa\n" + content[:-1] + b"s."


def test_no_constructor_of_numpy_is_called_from_a_pickle(tmp_path: Path):
    """Python's unpickler reads and writes at an address of these pickles' choice."""
    for number, content in enumerate(crafted()):
        path = tmp_path / f"{number}.pkl"
        path.write_bytes(as_entry(content))
        with pytest.raises(MMMError, match=r"no body model|Python objects"):
            read_arrays(path, {"a": True})


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_changed_bytes_of_a_model_are_one_sentence(tmp_path: Path, data: st.DataObject):
    whole = pickle.dumps({"a": np.arange(12.0).reshape(3, 4)}, data.draw(st.integers(0, 5)))
    content = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.pkl"
    path.write_bytes(bytes(content))
    with suppress(MMMError):
        read_arrays(path, {"a": True})
