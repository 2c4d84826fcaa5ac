"""What an animator reads is translated whole, not in part."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.translations.po_file import parse_po
from mmm_blender.blender.translations.tables import LANGUAGES, texts, translations
from mmm_blender.blender.widgets import CONTEXT, in_language
from tests.blender.translations.shown_texts import our_classes, shown_texts


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_is_shown_has_its_row_and_no_row_is_of_another(
    session: WorkerSession, language: str
) -> None:
    table = texts(language)
    shown = {each.text: each.place for each in shown_texts()}
    missing = [f"# {shown[text]}\nmsgid {json.dumps(text)}" for text in shown if text not in table]
    assert not missing, "\n".join((f"add to {language}.po, with their msgstr:", *missing))
    gone = sorted(set(table) - set(shown))
    assert not gone, f"take out of {language}.po, as nothing shows them any more: {gone}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_stay(language: str) -> None:
    table = texts(language)
    assert {e: t for e, t in table.items() if placeholders(e) != placeholders(t)} == {}
    assert [text for text in table.values() if text != text.strip()] == []
    assert [e for e, t in table.items() if not e.endswith(".") and t.endswith((".", "。"))] == []


def test_every_label_is_looked_up_in_our_own_context(session: WorkerSession) -> None:
    names = dir(bpy.ops.mmm)
    operators = {name: getattr(bpy.ops.mmm, name).get_rna_type() for name in names}
    assert {n for n, rna in operators.items() if rna.translation_context != CONTEXT} == set()
    panels = our_classes("Panel", "Menu")
    assert [cls for cls in panels if cls.bl_rna.translation_context != CONTEXT] == []
    groups = [cls.bl_rna for cls in our_classes("PropertyGroup", "AddonPreferences")]
    others = [
        each.identifier
        for rna in (*operators.values(), *groups)
        for each in rna.properties
        if each.is_runtime and each.translation_context != CONTEXT
    ]
    assert others == [], "a class that is registered elsewhere than in a module of blender/"


def test_blender_shows_them(session: WorkerSession) -> None:
    view = bpy.context.preferences.view
    if "de_DE" not in view.bl_rna.properties["language"].enum_items:
        pytest.skip("this build of Blender has no languages")
    before = view.language
    view.language, view.use_translate_interface = "de_DE", True
    try:
        assert bpy.app.translations.pgettext_iface("Make Loop", CONTEXT) == "Schleife machen"
        assert in_language("On {name}, from frame {frame}", name="A{b}", frame=3) == (
            "Auf A{b}, ab Einzelbild 3"
        )
    finally:
        view.language = before


def test_a_name_with_braces_is_shown_as_it_is() -> None:
    assert in_language("On {name}, from frame {frame}", name="{0}", frame=1).startswith("On {0},")


def test_chinese_goes_by_both_of_its_names() -> None:
    found = translations()
    assert found["zh_CN"] is found["zh_HANS"] and set(LANGUAGES) < set(found)


def test_a_file_of_texts_is_read() -> None:
    lines = [
        'msgid ""',
        'msgstr "header"',
        "",
        "# why",
        'msgid "a \\"b\\""',
        'msgstr ""',
        '"c "',
        '"d"',
    ]
    assert parse_po([*lines, 'msgid "open"', 'msgstr ""']) == {'a "b"': "c d"}


@pytest.mark.parametrize("line", ["msgctxt 3", 'msgstr "first"', "msgid open", '"a"'])
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        parse_po([line])
    with pytest.raises(ValueError, match="twice"):
        parse_po(['msgid "a"', 'msgstr "b"', 'msgid "a"', 'msgstr "c"'])


def test_the_zip_has_the_tables() -> None:
    folder = Path(__file__).parents[3] / "mmm_blender" / "blender" / "translations"
    assert sorted(each.stem for each in folder.glob("*.po")) == sorted(LANGUAGES)
