from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import smplx
import torch
from scipy import sparse
from scipy.spatial.transform import Rotation
from smplx import joint_names as makers

from mmm_blender.common.arrays import AnyArray, FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry import kinematics, rotations
from mmm_blender.geometry.skeleton import SMPL, Skeleton
from mmm_blender.smpl_model.body_model import JOINT_NAMES, BodyModel, load_body_model
from mmm_blender.smpl_model.model_file import read_arrays
from tests.smpl_model import body_files

KINDS = ("smpl", "smplh", "smplx")
CLOSE = 1e-5  # metres
BETAS = (1.5, -0.7, 0.3)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def content(kind: str) -> dict[str, AnyArray]:
    return body_files.arrays(kind)


@pytest.fixture(scope="module")
def file(kind: str, content: dict[str, AnyArray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMPL as a pickle, the others as .npz, as they are published."""
    folder = tmp_path_factory.mktemp("models")
    if kind == "smpl":
        return body_files.write_pickle(folder / "SMPL_FEMALE.pkl", content)
    return body_files.write_npz(folder / f"{kind.upper()}_FEMALE.npz", content)


def skeleton_of(body: BodyModel) -> Skeleton:
    parents = tuple(body.parents_J.tolist())
    return Skeleton(
        body.joint_names, parents, body.joints_J3 - body.joints_J3[np.maximum(parents, 0)]
    )


def skinned(body: BodyModel, local_J4: FloatArray, joints_J3: FloatArray) -> FloatArray:
    """Linear blend skinning, as an armature modifier does it. (V, 3)."""
    turned_J33 = rotations.quat_to_matrix(
        kinematics.global_rotations(local_J4, body.parents_J.tolist())
    )
    about_JV3 = np.einsum(
        "jab,jvb->jva", turned_J33, body.vertices_V3[None] - body.joints_J3[:, None]
    )
    return np.einsum("vj,jva->va", body.weights_VJ, about_JV3 + joints_J3[:, None])


def posed_by_smplx(
    kind: str, file: Path, vectors_J3: FloatArray, transl_3: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Vertices and joints that the smplx package computes from the same file."""
    model: Any = smplx.create(
        str(file), kind, dtype=torch.float64, ext=file.suffix[1:], flat_hand_mean=True,
        use_pca=False, gender="female",
    )  # fmt: skip
    named = {"betas": np.array([*BETAS, *[0.0] * 7]), "transl": transl_3}
    named |= {
        "global_orient": vectors_J3[0],
        "body_pose": vectors_J3[1 : 24 if kind == "smpl" else 22],
    }
    if kind != "smpl":
        named |= {"left_hand_pose": vectors_J3[-30:-15], "right_hand_pose": vectors_J3[-15:]}
    if kind == "smplx":
        named |= {
            "jaw_pose": vectors_J3[22],
            "leye_pose": vectors_J3[23],
            "reye_pose": vectors_J3[24],
        }
    inputs = {key: torch.tensor(value.reshape(1, -1)) for key, value in named.items()}
    with torch.no_grad():
        posed = model(**inputs)
    return posed.vertices[0].numpy(), posed.joints[0, : len(vectors_J3)].numpy()


def test_kinematics_and_skinning_equal_smplx(kind: str, file: Path) -> None:
    body = load_body_model(file, BETAS, "female")
    rng = np.random.default_rng(1)
    vectors_J3 = rng.normal(0.0, 0.8, (len(body.joint_names), 3))
    transl_3 = np.array([0.3, 0.9, -2.0])
    local_J4 = rotations.rotation_vector_to_quat(vectors_J3)
    joints_J3 = kinematics.forward_kinematics(
        local_J4, body.joints_J3[0] + transl_3, skeleton_of(body)
    )
    their_vertices, their_joints = posed_by_smplx(kind, file, vectors_J3, transl_3)
    assert np.abs(joints_J3 - their_joints).max() < CLOSE
    assert np.abs(skinned(body, local_J4, joints_J3) - their_vertices).max() < CLOSE


def test_the_body_is_complete(kind: str, file: Path, content: dict[str, AnyArray]) -> None:
    body = load_body_model(file)
    assert body.kind == kind
    assert body.joint_names[:22] == SMPL.names[:22]
    assert len(set(body.joint_names)) == len(body.joint_names) == body_files.JOINTS[kind]
    assert body.parents_J.tolist() == body_files.parents(kind)
    assert np.abs(body.vertices_V3 - content["v_template"]).max() < CLOSE
    assert np.array_equal(body.faces_F3, content["f"])
    assert np.abs(body.weights_VJ.sum(axis=1) - 1.0).max() < 1e-12
    assert body.vertices_V3.dtype == body.joints_J3.dtype == body.weights_VJ.dtype == np.float64
    assert body.faces_F3.dtype == body.parents_J.dtype == np.int64


def test_fingers_hang_on_their_own_wrist(kind: str, file: Path) -> None:
    body = load_body_model(file)
    for joint, parent in enumerate(body.parents_J):
        name, above = body.joint_names[joint], body.joint_names[parent]
        if "index1" in name or "thumb1" in name:
            assert above == name.split("_")[0] + "_wrist"
        if name.endswith(("2", "3")) and kind != "smpl" and "spine" not in name:
            assert above[:-1] == name[:-1]


def test_betas_change_the_shape_linearly(file: Path, content: dict[str, AnyArray]) -> None:
    body = load_body_model(file, BETAS)
    expected = content["v_template"] + content["shapedirs"][:, :, :3] @ np.array(BETAS)
    assert np.abs(body.vertices_V3 - expected).max() < CLOSE
    assert np.abs(body.joints_J3 - content["J_regressor"] @ expected).max() < CLOSE


# --- the older files -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain() -> dict[str, AnyArray]:
    return body_files.arrays("smpl")


def test_chumpy_and_sparse_matrices_are_read_without_either(
    tmp_path: Path, plain: dict[str, AnyArray]
) -> None:
    old = body_files.chumpy_era(tmp_path / "basicModel_f_lbs_10_207_0_v1.0.0.pkl", plain)
    assert b"chumpy" in old.read_bytes() and b"csc_matrix" in old.read_bytes()
    new = body_files.write_npz(tmp_path / "SMPL_FEMALE.npz", plain)
    ours, theirs = load_body_model(old, BETAS), load_body_model(new, BETAS)
    assert np.array_equal(ours.vertices_V3, theirs.vertices_V3)
    assert np.array_equal(ours.joints_J3, theirs.joints_J3)
    assert np.array_equal(ours.weights_VJ, theirs.weights_VJ)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("make", [np.asarray, sparse.csc_matrix, sparse.csr_matrix])
def test_every_pickle_protocol_is_read(
    tmp_path: Path, protocol: int, make: Callable[[AnyArray], object]
) -> None:
    values = np.array([[0.0, 1.5, 0.0], [2.0, 0.0, -3.0]])
    file = body_files.write_pickle(tmp_path / "a.pkl", {"a": make(values)}, protocol)
    assert np.array_equal(read_arrays(file, {"a": True})["a"], values)


def test_names_of_older_and_newer_numpy_are_known(tmp_path: Path) -> None:
    text = pickle.dumps({"a": np.arange(3.0)}, protocol=2)
    assert b"numpy.core." in text or b"numpy._core." in text
    bare = text.replace(b"numpy._core.", b"numpy.core.")
    for number, version in enumerate((bare, bare.replace(b"numpy.core.", b"numpy._core."))):
        file = tmp_path / f"{number}.pkl"
        file.write_bytes(version)
        assert read_arrays(file, {"a": True})["a"].tolist() == [0.0, 1.0, 2.0]


# --- files that are not what they seem -----------------------------------------------------------


class Evil:
    """Makes a folder when it is unpickled carelessly."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_that_runs_code_is_refused_by_name(
    tmp_path: Path, plain: dict[str, AnyArray]
) -> None:
    mark = tmp_path / "pwned"
    file = body_files.write_pickle(tmp_path / "SMPL.pkl", plain | {"extra": Evil(mark)})
    with pytest.raises(MMMError, match=rf"SMPL.pkl asks for {os.name}.mkdir.*could run code"):
        load_body_model(file)
    assert not mark.exists()
    pickle.loads(file.read_bytes())  # noqa: S301  # our own file, to see that it bites
    assert mark.exists()  # so the file was a real trap


def test_an_archive_that_runs_code_is_refused(tmp_path: Path, plain: dict[str, AnyArray]) -> None:
    mark = tmp_path / "pwned"
    trap = np.array([Evil(mark)], dtype=object)
    file = body_files.write_npz(tmp_path / "SMPL.npz", plain | {"weights": trap})
    with pytest.raises(MMMError, match="Python objects in 'weights'"):
        load_body_model(file)
    harmless = body_files.write_npz(tmp_path / "SMPLX.npz", plain, joint2num=trap)
    assert load_body_model(harmless).kind == "smpl"  # what is not needed is not opened
    assert not mark.exists()


@pytest.mark.parametrize(
    "text",
    [
        b"cbuiltins\neval\n(V1+1\ntR.",
        b"cbuiltins\ngetattr\n.",
        b"cnumpy.testing._private.utils\nrunstring\n.",
        b"cmmm_blender.smpl_model.model_file\nread_arrays\n.",
    ],
)
def test_other_globals_are_refused_by_name(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "m.pkl").write_bytes(text)
    name = ".".join(text[1:].decode().split("\n")[:2])
    with pytest.raises(MMMError) as raised:
        load_body_model(tmp_path / "m.pkl")
    assert f"asks for {name}," in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not a model at all",
        pickle.dumps([1, 2, 3]),
        pickle.dumps({"v_template": np.zeros(3)})[:-5],
        b"ccopyreg\n_reconstructor\n(cbuiltins\nset\ncbuiltins\nobject\nNtR.",
        b"c_codecs\nencode\n(Vabc\nVrot13\ntR.",
        b"PK\x03\x04 half an archive",
    ],
)
def test_what_is_no_model_is_one_sentence(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "m.pkl").write_bytes(text)
    with pytest.raises(MMMError, match=r"m\.pkl is no body model or is damaged: choose"):
        load_body_model(tmp_path / "m.pkl")


def test_a_truncated_archive_is_one_sentence(tmp_path: Path, plain: dict[str, AnyArray]) -> None:
    file = body_files.write_npz(tmp_path / "m.npz", plain)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(MMMError, match="is no body model or is damaged"):
        load_body_model(file)
    buffer = io.BytesIO(file.read_bytes())
    buffer.seek(0)
    assert buffer.read(2) == b"PK"


def encrypted(content: bytes) -> bytes:
    """The flag that says so, in both of an archive's headers."""
    changed = bytearray(content)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(mark)
        while at >= 0:
            changed[at + flags] |= 1
            at = changed.find(mark, at + 1)
    return bytes(changed)


def unknown_compression(content: bytes) -> bytes:
    changed = bytearray(content)
    for mark, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = changed.find(mark)
        while at >= 0:
            changed[at + method] = 99
            at = changed.find(mark, at + 1)
    return bytes(changed)


def flipped(content: bytes) -> bytes:
    """The first bytes of the first member, which say how it is compressed."""
    start = 30 + sum(struct.unpack_from("<HH", content, 26))  # after its name and extra field
    return content[:start] + b"\xff" * 16 + content[start + 16 :]


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("damage", [encrypted, unknown_compression, flipped])
def test_a_damaged_archive_is_one_sentence(
    tmp_path: Path,
    plain: dict[str, AnyArray],
    compression: int,
    damage: Callable[[bytes], bytes],
) -> None:
    file = tmp_path / "m.npz"
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, array in plain.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.save(member, array)
    assert load_body_model(file).kind == "smpl"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(MMMError, match=r"m\.npz is no body model or is damaged: choose"):
        load_body_model(file)


def test_arrays_nested_without_end_are_one_sentence(tmp_path: Path) -> None:
    itself = (
        b"ccopy_reg\n_reconstructor\n(cchumpy.ch\nCh\nc__builtin__\nobject\nNtRp0\n(dVx\ng0\nsb0"
    )
    (tmp_path / "m.pkl").write_bytes(b"(dVv_template\n" + itself + b"g0\ns.")
    with pytest.raises(MMMError, match=r"m\.pkl is no body model or is damaged"):
        load_body_model(tmp_path / "m.pkl")


def test_a_name_that_no_system_takes_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match=r"There is no file|cannot be read"):
        load_body_model(tmp_path / ("x" * 5000))


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match="There is no file"):
        load_body_model(tmp_path / "none.pkl")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shapedirs": None}, "has no shapedirs"),
        ({"weights": np.ones((6890, 16))}, "a model of 16 joints"),
        ({"v_template": np.zeros((6890, 2))}, r"damaged \(v_template\)"),
        ({"v_template": np.full((6890, 3), np.nan)}, r"damaged \(v_template\)"),
        ({"J_regressor": np.zeros((24, 100))}, r"damaged \(J_regressor\)"),
        ({"f": np.full((10, 3), 6890)}, "damaged"),
        ({"f": np.zeros((0, 3), dtype=np.int64)}, "damaged"),
        ({"weights": np.zeros((6890, 24))}, "damaged"),
        ({"kintree_table": np.full((2, 24), 5)}, "damaged"),
        ({"f": np.array(["a"])}, r"damaged \(f\)"),
        ({"shapedirs": np.array(1.0)}, "damaged"),
    ],
)
def test_a_model_that_makes_no_sense_is_one_sentence(
    tmp_path: Path, plain: dict[str, AnyArray], change: dict[str, AnyArray | None], words: str
) -> None:
    broken = {key: value for key, value in (plain | change).items() if value is not None}
    file = body_files.write_npz(tmp_path / "m.npz", broken)
    with pytest.raises(MMMError, match=words):
        load_body_model(file)


@pytest.mark.parametrize(
    ("betas", "gender", "words"),
    [
        ([0.1] * 11, "male", "has 10 shape coefficients, not 11"),
        ([float("nan")], "male", "not a number"),
        ([], "robot", "no model for 'robot'"),
    ],
)
def test_bad_wishes_are_one_sentence(
    tmp_path: Path, plain: dict[str, AnyArray], betas: list[float], gender: str, words: str
) -> None:
    file = body_files.write_npz(tmp_path / "m.npz", plain)
    with pytest.raises(MMMError, match=words):
        load_body_model(file, betas, gender)


def test_the_names_are_those_of_the_makers() -> None:
    assert list(JOINT_NAMES["smplx"]) == makers.JOINT_NAMES[:55]
    assert list(JOINT_NAMES["smplh"]) == makers.SMPLH_JOINT_NAMES[:52]
    assert JOINT_NAMES["smpl"] == SMPL.names


def test_a_turned_joint_turns_as_scipy_says(file: Path) -> None:
    body = load_body_model(file)
    quarter = Rotation.from_euler("y", 90, degrees=True)
    local = np.tile([1.0, 0.0, 0.0, 0.0], (len(body.joint_names), 1))
    local[0] = quarter.as_quat()[[3, 0, 1, 2]]
    joints = kinematics.forward_kinematics(local, body.joints_J3[0], skeleton_of(body))
    expected = quarter.apply(body.joints_J3 - body.joints_J3[0]) + body.joints_J3[0]
    assert np.abs(joints - expected).max() < CLOSE
