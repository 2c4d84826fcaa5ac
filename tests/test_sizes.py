"""What CONTRIBUTING asks of every file: short functions, short files, the words of the glossary.

pytest tests/test_sizes.py
"""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FUNCTION, MEDIAN_FUNCTION = 60, 7
LONGEST_FILE, LONGEST_TEST_FILE = 400, 500
OLD_WORDS = re.compile(r"\b(wish|errand|desk|anew|told)\b", re.IGNORECASE)
WORD_LISTS = {"word_lists.toml", "lexicon.toml", "captions.toml"}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, inner ones and methods included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{path.relative_to(ROOT)}: {node.name}", node.end_lineno - node.lineno + 1


def too_long(paths: list[Path], most: int) -> list[str]:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    return [f"{path.relative_to(ROOT)}: {count}" for path, count in lines.items() if count > most]


def test_functions_are_short() -> None:
    sizes = dict(each for path in modules("mmm_blender", "tools") for each in functions(path))
    assert {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION} == {}
    assert statistics.median(sizes.values()) <= MEDIAN_FUNCTION


def test_files_are_short() -> None:
    assert too_long(modules("mmm_blender", "tools"), LONGEST_FILE) == []
    assert too_long(modules("tests"), LONGEST_TEST_FILE) == []


def test_the_words_of_the_glossary_are_used() -> None:
    kinds = {".py", ".toml", ".txt", ".json", ""}
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in ("mmm_blender", "tools")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix in kinds and path.name not in WORD_LISTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if OLD_WORDS.search(line)
    ]
    assert found == []
