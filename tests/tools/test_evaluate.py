"""The whole evaluation on a tiny bundle, a tiny judge and a made-up data set."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import evaluate
import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.networks.text.student import save_student
from mmm_blender.training.data.dataset import TRAIN, UNSEEN_STYLES, UNSEEN_TAKES, split_of
from mmm_blender.training.data.motion_file import ClipRecord, save_motions
from mmm_blender.training.evaluation import suite
from mmm_blender.training.evaluation.evaluator import load_evaluator, save_evaluator
from mmm_blender.training.evaluation.figures_file import (
    BEGIN,
    BUNDLE_HASH,
    END,
    card_with_figures,
    read_figures,
    write_figures,
)
from mmm_blender.training.evaluation.goal_suite import ARRIVALS, PATHS
from tests.training import judges
from tests.training.evaluation.test_published_evaluator import dataset, write

ROOT = Path(__file__).resolve().parents[2]
SMALL = suite.Sizes(
    windows=36, real_factor=2, prompt_seeds=1, edits=4, sequences=1, waves=2, arrivals=1, walks=1,
    led=1, motions=8, moving=16,
)  # fmt: skip


def taken(record: ClipRecord, split: str) -> ClipRecord:
    """The record as a take that falls into the split."""
    for number in range(2000):
        changed = replace(record, take=f"{record.name} {number}", name=f"{record.name} {number}")
        if split_of(changed) == split:
            return changed
    raise AssertionError(f"no take of {record.content} {record.style} is in {split}")


def splits_of(record: ClipRecord) -> list[str]:
    """A pair that is never trained on has no other split."""
    try:
        return [split_of(taken(record, split)) for split in (TRAIN, UNSEEN_TAKES)]
    except AssertionError:
        return [UNSEEN_STYLES]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records, clips = judges.material()
    rows = [
        (taken(record, split), judges.clip(1000 + at) if split == TRAIN else clip)
        for at, (record, clip) in enumerate(zip(records, clips, strict=True))
        for split in splits_of(record)
    ]
    rows = [(replace(record, frames=clip.frames), clip) for record, clip in rows]
    path = tmp_path_factory.mktemp("data") / "motions.npz"
    save_motions(path, [record for record, _ in rows], [clip for _, clip in rows])
    return path


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    return save_judge(tmp_path / "judge", ["another take"])


def save_judge(folder: Path, takes: list[str]) -> Path:
    tiny = judges.judge()
    save_student(folder / "text", tiny.encoder.model, judges.VOCABULARY)
    save_evaluator(folder, tiny.model, takes, {})
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *map(str, words)])
    monkeypatch.setattr(evaluate, "Sizes", lambda: SMALL)
    quick = partial(suite.speed_figures, repeats=1)
    monkeypatch.setattr("mmm_blender.training.evaluation.bundle_report.speed_figures", quick)
    monkeypatch.setattr("mmm_blender.training.evaluation.field_table.REPETITIONS", 3)
    return evaluate.main()


@pytest.fixture
def given(tiny_bundle: Path, data: Path, judge: Path) -> tuple[str | Path, ...]:
    return ("--bundle", tiny_bundle, "--data", data, "--evaluator", judge)


def test_the_report_holds_every_table_and_goal(
    given: tuple[str | Path, ...], judge: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    figures, tables = tmp_path / "out" / "all.json", tmp_path / "out" / "all.md"
    assert run(monkeypatch, *given, "--json", figures, "--markdown", tables) == 0
    said = capsys.readouterr().out
    assert tables.read_text(encoding="utf-8") == said
    report = json.loads(figures.read_text(encoding="utf-8"))
    assert set(report["sets"]) == {UNSEEN_TAKES, UNSEEN_STYLES}
    for part in report["sets"].values():
        rows = part["rows"]
        assert part["windows"] == SMALL.windows
        assert rows["real motion"]["FID"][0] == pytest.approx(0, abs=1e-6)
        assert rows["generated"]["FID"][0] > 0
        assert len(rows) == 6
        for name in ("real motion", "generated", "tokenizer reconstruction"):
            assert f"| {name} |" in said
    assert len(report["editing"]) == 4
    assert len(report["sentences"]) == 5
    assert card_with_figures(f"# Card\n{BEGIN}\nold\n{END}\nmore", read_figures(figures)) == (
        f"# Card\n{BEGIN}\n{said.rstrip()}\n{END}\nmore"
    )
    assert set(report["waves over walks"]) <= {"left", "right", "both"}
    assert report["evaluator"] == load_evaluator(judge).hash
    verdicts = {goal[0]: goal[3] for goal in report["goals"]}
    assert verdicts["twelve prompts in other words, first choice by eye"] == "not measured"
    assert verdicts["directions obeyed"] == "**missed**"
    assert verdicts["in-betweening FID against slerp: all"] in ("met", "**missed**")
    assert verdicts["in-betweening FID against slerp: moving clips"] == "not measured"
    assert verdicts["long sequences: jerk at seams / inside"] != "not measured"


def test_parts_are_joined_in_one_file_of_one_bundle(
    given: tuple[str | Path, ...], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    figures = tmp_path / "figures.json"
    words = (*given, "--json", figures, "--join", "--only")
    assert run(monkeypatch, *words, "sentences") == 0
    first = read_figures(figures)
    assert run(monkeypatch, *words, "goals") == 0
    both = read_figures(figures)
    assert both["sentences"] == first["sentences"]
    assert set(both) >= {ARRIVALS, PATHS}
    assert "Before: the weights of version 0.1.0" in capsys.readouterr().out
    assert run(monkeypatch, *words, "goals", "--before", figures) == 0
    said = capsys.readouterr().out
    assert "| goal | wanted | before | reached |" in said
    assert "version 0.1.0" not in said
    assert run(monkeypatch, *words, "viewings", "--viewings", "6", "7", "8") == 0
    assert read_figures(figures)["sentences"] == first["sentences"]
    assert read_figures(figures)["viewings"] == [6, 7, 8]
    with pytest.raises(SystemExit):
        run(monkeypatch, *words, "sentence")
    write_figures(figures, both | {BUNDLE_HASH: "another"})
    with pytest.raises(MMMError, match="other weights"):
        run(monkeypatch, *words, "goals")


def test_a_quick_run_and_a_card_without_a_place_make_no_tables() -> None:
    with pytest.raises(MMMError, match="quick"):
        card_with_figures(f"{BEGIN}{END}", {"quick": True})
    with pytest.raises(MMMError, match="no place"):
        card_with_figures("# Card", {})


def test_an_evaluator_that_has_seen_a_held_out_take_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, _ = suite.load_motions(data)
    seen = next(record.take for record in records if split_of(record) == UNSEEN_TAKES)
    leaky = save_judge(tmp_path / "leaky", [seen])
    with pytest.raises(MMMError, match=seen):
        run(monkeypatch, "--bundle", "none", "--data", data, "--evaluator", leaky)


def test_the_shipped_evaluator_has_seen_no_held_out_take() -> None:
    takes = load_evaluator(ROOT / "weights" / "evaluator").trained_takes
    bandai = [take for take in takes if take.startswith("dataset-")]
    assert len(bandai) > 2000
    for take in bandai:
        _, content, style, _ = take.split("_")
        assert split_of(ClipRecord(take, take, "bandai", content, style, "", 40)) == TRAIN
    for take in takes - set(bandai):
        assert split_of(ClipRecord(take, take, "cmu", "cmu", "", "", 40)) == TRAIN


def test_the_evaluator_can_be_judged_alone(
    data: Path, judge: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--bundle", "none", "--data", data, "--evaluator", judge) == 0
    said = capsys.readouterr().out
    assert "| real motion |" in said
    assert "| generated |" not in said


def test_a_folder_of_humanml3d_is_judged_by_the_published_evaluator(
    tiny_bundle: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "set").mkdir()
    (tmp_path / "files").mkdir()
    write(tmp_path / "files")
    folder = dataset(tmp_path / "set")
    for at in range(40):
        source = folder / "new_joint_vecs" / "000003.npy"
        np.save(folder / "new_joint_vecs" / f"m{at}.npy", np.load(source) + at)
        told = (folder / "texts" / "000001.txt").read_text(encoding="utf-8")
        (folder / "texts" / f"m{at}.txt").write_text(told, encoding="utf-8")
    (folder / "test.txt").write_text("\n".join(f"m{at}" for at in range(40)), encoding="utf-8")
    monkeypatch.setattr("mmm_blender.training.evaluation.folder_suite.VARIED_TEXTS", 2)
    words = ("--bundle", tiny_bundle, "--data", folder, "--published", tmp_path / "files")
    assert run(monkeypatch, *words, "--json", tmp_path / "all.json") == 0
    report = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert report["motions"] == SMALL.motions
    assert report["rows"]["generated"]["MultiModality"][0] > 0
    assert "field's own evaluator" in capsys.readouterr().out
