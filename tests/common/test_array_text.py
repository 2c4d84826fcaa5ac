"""Arrays come back bit for bit, and damage is told."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmm_blender.common.array_text import pack, unpack
from mmm_blender.common.arrays import AnyArray
from mmm_blender.common.errors import MMMError
from tests.limits import peak_memory

shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
dtypes = st.sampled_from([np.float64, np.float32, np.int64, np.uint32, np.bool_])


@given(st.data(), dtypes, shapes)
def test_arrays_come_back_bit_for_bit(data: st.DataObject, dtype: type, shape: tuple[int, ...]):
    array: AnyArray = data.draw(arrays.arrays(dtype, shape))
    back = unpack(pack(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_a_slice_and_another_byte_order_are_packed_too():
    array = np.arange(12, dtype=">f8").reshape(3, 4)[:, ::2]
    np.testing.assert_array_equal(unpack(pack(array)), array)


@pytest.mark.parametrize("text", ["", "x", '["<f8",[2]] AAAA', '["O",[1]] AAAA', "[] [] !"])
def test_damage_is_told(text: str):
    with pytest.raises(MMMError, match="damaged"):
        unpack(text)


def test_a_text_that_would_grow_to_gigabytes_is_refused_before_it_does():
    zeros = base64.b64encode(zlib.compress(bytes(2**27), 9)).decode("ascii")
    for form in ('["|b1",[1]]', '["|b1",[134217728]]', '["<f8",[999999999,999999999]]'):
        with peak_memory() as peak, pytest.raises(MMMError, match="damaged"):
            unpack(f"{form} {zeros}")
        assert peak.megabytes < 8


@pytest.mark.parametrize("form", ['["|b1",[-1]]', '["|b1",[true]]', "[" * 5000, '["|b1",1]', "{}"])
def test_a_form_that_makes_no_sense_is_told(form: str):
    with pytest.raises(MMMError, match="damaged"):
        unpack(f"{form} eJwDAAAAAAE=")


def test_numbers_that_are_not_known_are_refused():
    with pytest.raises(ValueError, match="complex"):
        pack(np.zeros(2, dtype=np.complex128))
