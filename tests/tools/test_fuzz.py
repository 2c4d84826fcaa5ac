"""The fuzz tool finds nothing in a moment, and says so."""

import pytest

pytest.importorskip("resource", reason="Windows does not tell a process's memory so")

import fuzz


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_changed_files_are_read_or_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(fuzz, "MEGABYTES", float("inf"))  # the whole test run's, not this one's
    monkeypatch.setattr("sys.argv", ["fuzz.py", "--seconds", "1", "--only", kind])
    assert fuzz.main() == 0
    assert kind in capsys.readouterr().out
