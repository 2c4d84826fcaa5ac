import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.networks.text.clip import ClipTextEncoder, ClipTextModel
from mmm_blender.motion.networks.weights import as_tensors
from mmm_blender.motion.runtime.opening import ONNX, TORCH, open_text_encoder
from mmm_blender.motion.text.clip_files import text_state

# A small vocabulary: 256 bytes, the same as word ends, a few merges and two specials.
MERGES = "#version: 0.2\nw a\nwa l\nwal k\nr u\nru n</w>\n"
VOCABULARY = 2 * 256 + 5 + 2
PLACES, WIDTH, HEADS, LAYERS = 77, 64, 4, 3
TOLERANCE = 1e-5
PROMPTS = ["", "run", "walk 👋", "run " * 200]


@pytest.fixture(scope="module")
def reference() -> CLIPTextModelWithProjection:
    torch.manual_seed(3)
    config = CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=PLACES,
        eos_token_id=VOCABULARY - 1,
    )
    model = CLIPTextModelWithProjection(config).eval()
    # Random norms and biases too: freshly made ones are all ones and zeros and would hide a mix-up.
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=0.5, std=0.3)
    return model


@pytest.fixture(scope="module")
def folder(
    reference: CLIPTextModelWithProjection, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    reference.save_pretrained(folder)
    (folder / "merges.txt").write_text(MERGES)
    return folder


def test_features_equal_those_of_transformers(
    reference: CLIPTextModelWithProjection, folder: Path
) -> None:
    encoder = ClipTextEncoder.load(folder)
    features = encoder.encode(PROMPTS)
    with torch.no_grad():
        expected = reference(input_ids=encoder.tokenize(PROMPTS))
    assert features.words_BWC.shape == (len(PROMPTS), PLACES, WIDTH)
    assert (features.sentence_BC - expected.text_embeds).abs().max() < TOLERANCE
    assert (features.words_BWC - expected.last_hidden_state).abs().max() < TOLERANCE
    assert encoder.width == WIDTH


def test_the_mask_holds_start_words_and_end(folder: Path) -> None:
    features = ClipTextEncoder.load(folder).encode(PROMPTS)
    assert features.word_mask_BW.sum(dim=1).tolist() == [2, 3, 8, PLACES]


def test_the_first_releases_names_give_the_same_features(folder: Path) -> None:
    encoder = ClipTextEncoder.load(folder)
    ours = encoder.model.state_dict()
    again = ClipTextModel(encoder.config)
    named = {name: v.numpy() for name, v in _openai_names(ours).items()}
    again.load_state_dict(as_tensors(text_state(named | {"visual.proj": np.zeros(2)})))
    end_B = torch.tensor([3])
    ids_BW = torch.arange(PLACES)[None]
    for one, other in zip(encoder.model(ids_BW, end_B), again(ids_BW, end_B), strict=True):
        assert torch.equal(one, other)


def _openai_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    names = {
        "place_embedding": "positional_embedding",
        "blocks.": "transformer.resblocks.",
        "query_key_value.": "attn.in_proj_",
        "attention_out": "attn.out_proj",
        "norm_attention": "ln_1",
        "norm_mlp": "ln_2",
        "mlp_in": "mlp.c_fc",
        "mlp_out": "mlp.c_proj",
    }
    renamed: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        other = name if name != "projection.weight" else "text_projection"
        other = "ln_final." + other.removeprefix("norm.") if other.startswith("norm.") else other
        for ours, theirs in names.items():
            other = other.replace(ours, theirs)
        renamed[other] = value.T if name == "projection.weight" else value
    return renamed


def test_a_bundle_finds_clip_in_the_named_folder(folder: Path) -> None:
    text = {"kind": "clip", "folder": folder.name}
    ours, theirs = (
        open_text_encoder(folder.parent, text, library=library).encode(PROMPTS)
        for library in (ONNX, TORCH)
    )
    assert ours.sentence_BC.dtype == np.float32
    assert np.array_equal(ours.word_mask_BW, theirs.word_mask_BW)
    assert np.abs(ours.sentence_BC - theirs.sentence_BC).max() < TOLERANCE
    assert np.abs(ours.words_BWC - theirs.words_BWC).max() < TOLERANCE


def test_a_missing_package_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("text.clip_files", "text.byte_pair", "runtime.onnx.clip"):
        monkeypatch.delitem(sys.modules, f"mmm_blender.motion.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(MMMError, match="needs the package ftfy"):
        open_text_encoder(folder.parent, {"kind": "clip", "folder": folder.name})


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match="does not exist: choose the folder"):
        ClipTextEncoder.load(tmp_path / "nowhere")


def test_missing_weights_are_told(tmp_path: Path) -> None:
    (tmp_path / "merges.txt").write_text(MERGES)
    with pytest.raises(MMMError, match=r"no model\.safetensors"):
        ClipTextEncoder.load(tmp_path)


def test_truncated_weights_are_told(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(MMMError, match="damaged"):
        ClipTextEncoder.load(tmp_path)


@pytest.mark.parametrize(
    "lost",
    [
        "text_projection.weight",
        "text_model.encoder.layers.1.self_attn.v_proj.bias",
        "text_model.encoder.layers.2.mlp.fc2.weight",
    ],
)
def test_a_lacking_tensor_is_named(folder: Path, tmp_path: Path, lost: str) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    state = load_file(tmp_path / "model.safetensors")
    assert state.pop(lost, None) is not None
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(MMMError, match=r"lack|do not fit"):
        ClipTextEncoder.load(tmp_path)


def test_weights_of_something_else_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    save_file({"some.weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(MMMError, match="no text tower"):
        ClipTextEncoder.load(tmp_path)
