"""The published format, with random weights: no published file is needed."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mmm_blender.common.arrays import AnyArray, FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.training.evaluation.humanml3d_folder import read_folder
from mmm_blender.training.evaluation.published_evaluator import load_published
from mmm_blender.training.evaluation.word_vectors import WordVectors

CHANNELS, WIDTH, EMBEDDING, GLOVE, KINDS = 263, 12, 8, 10, 15
WORDS = ["sos", "eos", "unk", "a", "man", "walk", "forward", "slowly"]
SENTENCE = [("a", "DET"), ("man", "NOUN"), ("walk", "VERB"), ("forward", "ADV")]
State = dict[str, Tensor]


def linear(name: str, given: int, out: int) -> State:
    return {f"{name}.weight": torch.randn(out, given) / 3, f"{name}.bias": torch.randn(out) / 3}


def sequence(given: int, width: int) -> State:
    gru = nn.GRU(WIDTH, width, batch_first=True, bidirectional=True)
    tensors = {f"gru.{name}": value.detach() for name, value in gru.state_dict().items()}
    tensors |= linear("input_emb", given, WIDTH) | linear("output_net.0", 2 * width, width)
    tensors |= {"output_net.1.weight": torch.rand(width), "output_net.1.bias": torch.rand(width)}
    return tensors | linear("output_net.3", width, EMBEDDING) | {"hidden": torch.randn(2, 1, width)}


def networks() -> dict[str, State]:
    torch.manual_seed(0)
    movement = {
        "main.0.weight": torch.randn(WIDTH, CHANNELS - 4, 4) / 20,
        "main.0.bias": torch.randn(WIDTH),
        "main.3.weight": torch.randn(WIDTH, WIDTH, 4) / 5,
        "main.3.bias": torch.randn(WIDTH),
    }
    return {
        "movement_encoder": movement | linear("out_net", WIDTH, WIDTH),
        "motion_encoder": sequence(WIDTH, 6),
        "text_encoder": sequence(GLOVE, 5) | linear("pos_emb", KINDS, GLOVE),
    }


def write(folder: Path, **others: object) -> dict[str, State]:
    states = networks()
    torch.save({**states, "epoch": 3, **others}, folder / "finest.tar")
    rng = np.random.default_rng(1)
    np.save(folder / "mean.npy", rng.normal(size=CHANNELS).astype(np.float32))
    np.save(folder / "std.npy", rng.uniform(0.5, 1, CHANNELS).astype(np.float32))
    np.save(folder / "our_vab_data.npy", rng.normal(size=(len(WORDS), GLOVE)))
    (folder / "our_vab_words.pkl").write_bytes(pickle.dumps(WORDS))
    numbers = {word: at for at, word in enumerate(reversed(WORDS))}
    (folder / "our_vab_idx.pkl").write_bytes(pickle.dumps(numbers))
    return states


def apply(state: State, name: str, x: Tensor) -> Tensor:
    return functional.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])


def read_sequence(state: State, steps: Tensor) -> Tensor:
    """One row (S, D) at its own length, with torch's GRU and no packing."""
    width = state["hidden"].shape[2]
    gru = nn.GRU(WIDTH, width, batch_first=True, bidirectional=True)
    own = {name[4:]: value for name, value in state.items() if name.startswith("gru.")}
    gru.load_state_dict(own)
    _, last = gru(apply(state, "input_emb", steps)[None], state["hidden"])
    x = apply(state, "output_net.0", torch.cat([last[0, 0], last[1, 0]]))
    scale, shift = state["output_net.1.weight"], state["output_net.1.bias"]
    x = functional.layer_norm(x, (width,), scale, shift)
    return apply(state, "output_net.3", functional.leaky_relu(x, 0.2))


def motion_by_hand(states: dict[str, State], features: FloatArray, folder: Path) -> AnyArray:
    mean, std = np.load(folder / "mean.npy"), np.load(folder / "std.npy")
    rows = torch.zeros(196, CHANNELS)
    rows[: len(features)] = torch.from_numpy((features - mean) / std).float()
    state = states["movement_encoder"]
    x = rows[:, :-4].T[None]
    for layer in ("main.0", "main.3"):
        weight, bias = state[f"{layer}.weight"], state[f"{layer}.bias"]
        x = functional.leaky_relu(functional.conv1d(x, weight, bias, stride=2, padding=1), 0.2)
    steps = apply(state, "out_net", x[0].T)[: len(features) // 4]
    with torch.no_grad():
        return read_sequence(states["motion_encoder"], steps).numpy()


def test_motions_are_read_as_published(tmp_path: Path) -> None:
    states = write(tmp_path)
    judge = load_published(tmp_path)
    rng = np.random.default_rng(2)
    motions = [rng.normal(size=(frames, CHANNELS)) for frames in (40, 196, 64)]
    rows = judge.embed_motion(motions)
    assert rows.shape == (3, EMBEDDING)
    for motion, row in zip(motions, rows, strict=True):
        assert row == pytest.approx(motion_by_hand(states, motion, tmp_path), abs=1e-5)


def test_sentences_are_read_as_published(tmp_path: Path) -> None:
    states = write(tmp_path)
    judge = load_published(tmp_path)
    row = judge.embed_text([SENTENCE, [("a", "DET")]])[0]
    state = states["text_encoder"]
    data = np.load(tmp_path / "our_vab_data.npy").astype(np.float32)
    order = list(reversed(WORDS))
    # walk and forward are marked; DET and NOUN are as tagged; sos and eos are OTHER
    kinds = (14, 2, 1, 12, 9, 14)
    framed = ("sos", "a", "man", "walk", "forward", "eos")
    vectors = torch.from_numpy(np.stack([data[order.index(word)] for word in framed]))
    one_hot = functional.one_hot(torch.tensor(kinds), KINDS).float()
    with torch.no_grad():
        wanted = read_sequence(state, vectors + apply(state, "pos_emb", one_hot))
    assert row == pytest.approx(wanted.numpy(), abs=1e-5)


def test_an_unknown_word_is_the_unknown_word(tmp_path: Path) -> None:
    write(tmp_path)
    words = WordVectors.load(tmp_path)
    known, kinds, lengths = words.batch([[("zyx", "NOUN"), ("unk", "OTHER")]])
    assert torch.equal(known[0, 1], known[0, 2])
    assert kinds[0, 1].argmax() == 14
    assert lengths.tolist() == [4]


def test_a_long_sentence_is_cut(tmp_path: Path) -> None:
    write(tmp_path)
    _, _, lengths = WordVectors.load(tmp_path).batch([SENTENCE * 10])
    assert lengths.tolist() == [22]


class _Runs:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("ran",))


def test_files_that_run_code_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, more=_Runs())
    with pytest.raises(MMMError, match="print"):
        load_published(tmp_path)
    write(tmp_path)
    (tmp_path / "our_vab_words.pkl").write_bytes(pickle.dumps(_Runs()))
    with pytest.raises(MMMError, match="damaged"):
        load_published(tmp_path)
    assert "ran" not in capsys.readouterr().out


def test_what_is_missing_or_misshapen_is_named(tmp_path: Path) -> None:
    states = write(tmp_path)
    del states["motion_encoder"]["hidden"]
    torch.save(states, tmp_path / "finest.tar")
    with pytest.raises(MMMError, match="hidden"):
        load_published(tmp_path)
    write(tmp_path)
    np.save(tmp_path / "mean.npy", np.zeros(251))
    with pytest.raises(MMMError, match="259"):
        load_published(tmp_path)
    write(tmp_path)
    (tmp_path / "our_vab_idx.pkl").unlink()
    with pytest.raises(MMMError, match="our_vab_idx"):
        load_published(tmp_path)


def dataset(folder: Path, channels: int = CHANNELS) -> Path:
    (folder / "new_joint_vecs").mkdir()
    (folder / "texts").mkdir()
    rng = np.random.default_rng(0)
    lengths = {"000001": 123, "000002": 30, "000003": 80, "broken": 60, "silent": 60}
    for name, frames in lengths.items():
        values = rng.normal(size=(frames, channels)).astype(np.float32)
        if name == "broken":
            values[3, 3] = np.nan
        np.save(folder / "new_joint_vecs" / f"{name}.npy", values)
    told = "a man walks.#a/DET man/NOUN walk/VERB#0.0#0.0\n"
    pieces = "he stops.#he/PRON stop/VERB#1.0#4.0\nno number signs\nhe runs#he/PRON#nan#nan\n"
    for name in ("000001", "000002", "broken"):
        (folder / "texts" / f"{name}.txt").write_text(told, encoding="utf-8")
    (folder / "texts" / "000003.txt").write_text(told + pieces, encoding="utf-8")
    (folder / "test.txt").write_text("\n".join([*lengths, "nowhere"]), encoding="utf-8")
    return folder


def test_a_folder_gives_whole_motions_and_pieces(tmp_path: Path) -> None:
    found = read_folder(dataset(tmp_path))
    items = {item.name: item for item in found.items}
    assert set(items) == {"000001", "000003", "000003@1"}
    assert items["000001"].features_TC.shape == (120, CHANNELS)
    assert items["000003@1"].features_TC.shape == (60, CHANNELS)
    source = np.load(tmp_path / "new_joint_vecs" / "000003.npy")
    assert np.array_equal(items["000003@1"].features_TC, source[20:80])
    assert [caption.text for caption in items["000003"].captions] == ["a man walks.", "he runs"]
    assert items["000001"].captions[0].words == (("a", "DET"), ("man", "NOUN"), ("walk", "VERB"))
    assert dict(found.skipped) == {
        "motions too short or too long": 1,
        "motions with numbers that are none": 1,
        "motions without captions": 2,
        "broken captions": 1,
        "unreadable motions": 1,
    }


def test_kit_is_told_by_its_channels_and_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kit").mkdir()
    (tmp_path / "other").mkdir()
    kit = read_folder(dataset(tmp_path / "kit", 251))
    assert kit.layout.name == "kit_251"
    assert "000002" in {item.name for item in kit.items}  # 30 frames are enough at 12.5 fps
    with pytest.raises(MMMError, match="100 channels"):
        read_folder(dataset(tmp_path / "other", 100))


def test_a_folder_without_motions_is_told(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match=r"test\.txt"):
        read_folder(tmp_path)
    (tmp_path / "test.txt").write_text("a b", encoding="utf-8")
    with pytest.raises(MMMError, match="2 unreadable motions"):
        read_folder(tmp_path)
