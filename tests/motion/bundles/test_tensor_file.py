"""Files of torch.save are read without torch's loader, and say no more than their bytes hold."""

import io
import pickle
import zipfile
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mmm_blender.common.errors import MMMError
from mmm_blender.common.pickle_data import PickleError
from mmm_blender.motion.bundles.tensor_file import read_tensor_file

KINDS = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32,
         torch.int16, torch.int8, torch.uint8, torch.bool)  # fmt: skip

DAMAGED = (ValueError, LookupError, OSError, EOFError, RuntimeError, zipfile.BadZipFile)


def refusal(name: str) -> Exception:
    return MMMError(name)


def read(path: Path) -> Any:
    return read_tensor_file(path, refusal)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_come_back_bit_for_bit(tmp_path: Path, kind: torch.dtype, zipped: bool):
    base = (torch.arange(24).reshape(2, 3, 4) * 7 % 5).to(kind)
    content = {
        "whole": base,
        "turned": base.transpose(0, 2),
        "part": base[1:, ::2],
        "again": base[0],
        "empty": base[:0],
        "number": base[0, 0, 0].clone(),
    }
    path = tmp_path / "x.pth"
    torch.save({"net": OrderedDict(content)}, path, _use_new_zipfile_serialization=zipped)
    back = read(path)["net"]
    assert set(back) == set(content)
    for name, tensor in content.items():
        assert back[name].dtype == kind and torch.equal(back[name], tensor)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict_and_a_module_s_parameters_are_read(tmp_path: Path, zipped: bool):
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    path = tmp_path / "x.pth"
    torch.save(
        {"net": module.state_dict(), "more": dict(module.named_parameters()), "epoch": 3},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    back = read(path)
    assert back["epoch"] == 3
    for name, tensor in module.state_dict().items():
        assert torch.equal(back["net"][name], tensor)
    assert torch.equal(back["more"]["0.weight"], module.state_dict()["0.weight"])


def rewritten(path: Path, old: bytes, new: bytes) -> None:
    """The pickle inside of the archive with other bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            assert not name.endswith("data.pkl") or old in content
            archive.writestr(
                name, content.replace(old, new) if name.endswith("data.pkl") else content
            )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"K\x03K\x04\x86q", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86q"),  # sizes
        (b"K\x03K\x04\x86q", b"K\x03J\xff\xff\xff\xff\x86q"),
        (b"K\x04K\x01\x86q", b"K\x00K\x00\x86q"),  # strides: fine, within the bytes
        (b"K\x04K\x01\x86q", b"J\xff\xff\xff\x7fK\x01\x86q"),
        (b"FloatStorage", b"DoubleStorage"),
    ],
)
def test_a_shape_beyond_the_bytes_is_refused(tmp_path: Path, old: bytes, new: bytes):
    path = tmp_path / "x.pth"
    torch.save({"net": {"a": torch.zeros(3, 4)}}, path)
    rewritten(path, old, new)
    if new == b"K\x00K\x00\x86q":
        assert read(path)["net"]["a"].shape == (3, 4)
        return
    with pytest.raises(PickleError):
        read(path)


def test_an_archive_that_grows_is_refused(tmp_path: Path):
    torch.save({"net": {"a": torch.zeros(2**20)}}, tmp_path / "x.pth")
    path = tmp_path / "grown.pth"
    with (
        zipfile.ZipFile(tmp_path / "x.pth") as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(PickleError):
        read(path)


def test_numpy_in_a_checkpoint_is_refused_by_name(tmp_path: Path):
    stream = io.BytesIO()
    pickle.dump({"net": np.zeros(3)}, stream, protocol=2)
    torch.save({"net": {"a": torch.zeros(1)}}, tmp_path / "x.pth")
    with (
        zipfile.ZipFile(tmp_path / "x.pth") as old,
        zipfile.ZipFile(tmp_path / "y.pth", "w") as new,
    ):
        for name in old.namelist():
            is_pickle = name.endswith("data.pkl")
            new.writestr(name, stream.getvalue() if is_pickle else old.read(name))
    with pytest.raises(MMMError, match="_reconstruct"):
        read(tmp_path / "y.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_changed_bytes_are_an_error_and_no_more(tmp_path: Path, zipped: bool):
    path, rng = tmp_path / "x.pth", np.random.default_rng(1)
    torch.save({"net": {"a": torch.zeros(3)}}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for _ in range(500):
        content = bytearray(whole)
        for at in rng.integers(len(content), size=3):
            content[at] = rng.integers(256)
        path.write_bytes(bytes(content))
        with suppress(MMMError, *DAMAGED):
            read(path)
