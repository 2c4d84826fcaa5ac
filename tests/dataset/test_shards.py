"""Shards on disk: whole or not there, the same bytes for the same clips."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.dataset.folder import DatasetFolder, Facts
from mmm_blender.dataset.key_index import STORED, KeyIndex
from mmm_blender.dataset.shards import (
    Rejected,
    ShardNote,
    ShardTask,
    read_keys,
    read_note,
    read_shard,
    write_shard,
)
from mmm_blender.dataset.tar_files import write_tar
from tests.dataset.conftest import HASH, stored, wanted
from tests.geometry.motions import smooth_clip

FACTS = Facts("starter", HASH, 0.0, True, (), {})


def test_a_shard_gives_back_what_was_written(tmp_path: Path) -> None:
    clips = [stored(1), stored(2, frames=20)]
    note = ShardNote((Rejected("cd" * 16, "slides", "its feet slide"),))
    size = write_shard(tmp_path, "a", clips, note, 4)
    path = tmp_path / "a.parquet"
    assert path.stat().st_size == size
    assert read_note(path) == note
    assert read_keys(path) == [clips[0].key, clips[1].key, "cd" * 16]
    for read, written in zip(read_shard(path), clips, strict=True):
        assert (read.name, read.prompt, read.seed) == (written.name, written.prompt, written.seed)
        assert read.rotations_TJ4.dtype == np.float16
        np.testing.assert_array_equal(read.rotations_TJ4, written.rotations_TJ4)
        np.testing.assert_array_equal(read.root_T3, written.root_T3)
        np.testing.assert_array_equal(read.tokens_LP, written.tokens_LP)
        assert read.figures == {"foot_slide_cm_s": 1.5}


def test_a_shard_of_which_nothing_passed_is_a_shard(tmp_path: Path) -> None:
    write_shard(tmp_path, "a", [], ShardNote((Rejected("cd" * 16, "b", "c"),)), 4)
    assert list(read_shard(tmp_path / "a.parquet")) == []
    assert read_keys(tmp_path / "a.parquet") == ["cd" * 16]


def test_the_same_clips_give_the_same_bytes(tmp_path: Path) -> None:
    clips = [stored(1), stored(2)]
    pairs = [(clip, smooth_clip(12)) for clip in clips]
    for name in "ab":
        write_shard(tmp_path, name, clips, ShardNote(), 4)
        write_tar(tmp_path / f"{name}.tar", pairs, ("npz", "bvh"))
    for ending in ("parquet", "tar"):
        first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in "ab")
        assert first == second


def test_a_tar_holds_each_clip_as_webdataset_reads_it(tmp_path: Path) -> None:
    clip = stored(1)
    write_tar(tmp_path / "a.tar", [(clip, smooth_clip(12))], ("npz", "bvh"))
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert tar.getnames() == [f"{clip.key}.{kind}" for kind in ("npz", "bvh", "json")]
        tar.extractall(tmp_path, filter="data")
    with np.load(tmp_path / f"{clip.key}.npz", allow_pickle=False) as arrays:
        assert arrays["rotations"].shape == (12, 22, 4)
    facts = json.loads((tmp_path / f"{clip.key}.json").read_text(encoding="utf-8"))
    assert (facts["prompt"], facts["seed"]) == (clip.prompt, clip.seed)


def test_a_shard_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mmm_blender.dataset.shards.pq.write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write_shard(tmp_path, "a", [stored(1)], ShardNote(), 4)
    assert list(tmp_path.iterdir()) == []


def test_a_task_is_called_after_its_rows_and_splits_into_them() -> None:
    clips = [wanted(line) for line in range(2, 9)]
    task = ShardTask.of(clips, HASH)
    assert task.name == ShardTask.of(clips, HASH).name
    assert task.name != ShardTask.of(clips[1:], HASH).name
    first, second = task.halves(HASH)
    assert (*first.clips, *second.clips) == task.clips


def test_a_folder_of_another_bundle_or_of_other_settings_is_refused(tmp_path: Path) -> None:
    with DatasetFolder(tmp_path / "out") as folder:
        folder.settle(FACTS)
        folder.settle(FACTS)
        other = Facts("mine", "cd" * 32, 0.0, True, (), {})
        with pytest.raises(MMMError, match=r"shards of another bundle \(starter, abab"):
            folder.settle(other)
        with pytest.raises(MMMError, match=r"made with other settings \(fps: 0.0, not 30.0\)"):
            folder.settle(Facts("starter", HASH, 30.0, True, (), {}))


def test_one_run_at_a_time_and_a_dead_one_does_not_count(tmp_path: Path) -> None:
    with DatasetFolder(tmp_path):
        lock = tmp_path / "run.lock"
        values = json.loads(lock.read_text(encoding="utf-8"))
        lock.write_text(json.dumps(values | {"host": "elsewhere"}), encoding="utf-8")
        with pytest.raises(MMMError, match=r"Another run .* on elsewhere"), DatasetFolder(tmp_path):
            pass
        lock.write_text(json.dumps(values | {"process": 2**22 + 1}), encoding="utf-8")
        with DatasetFolder(tmp_path):
            assert lock.exists()
    assert not lock.exists()


def test_what_was_killed_or_damaged_is_cleaned_away_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    with DatasetFolder(tmp_path) as folder:
        for name in ("good", "cut", "no-tar"):
            note = ShardNote(tar=10 if name == "no-tar" else 0)
            write_shard(folder.shards, name, [stored(1)], note, 4)
        cut = folder.shards / "cut.parquet"
        cut.write_bytes(cut.read_bytes()[:-20])
        (folder.shards / ".new.parquet.12345678.part").write_bytes(b"half")
        (folder.shards / "alone.tar").write_bytes(b"")
        folder.clean()
        assert list(folder.stored_keys(said.append)) == [[stored(1).key]]
        assert [path.name for path in folder.shards.iterdir()] == ["good.parquet"]
    assert len(said) == 2
    assert all("is damaged" in sentence for sentence in said)


def test_the_index_knows_whose_a_key_is() -> None:
    with KeyIndex() as index:
        assert index.add_stored(["ab" * 16]) == 0
        assert index.add_stored(["ab" * 16]) == 1
        assert index.first_line("ab" * 16, 7) == STORED
        assert index.first_line("cd" * 16, 7) is None
        assert index.first_line("cd" * 16, 9) == 7
