from __future__ import annotations

import pytest
from tests.labelled import clean, splits_of

from finesweep.dataset.checks.encoding import find_encoding_damage


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ("a clich\ufffd of a film", "the original is lost"),
        ("a clichï¿½ of a film", "the original is lost"),
        ("a clichÃ© of a film", "wrongly decoded characters"),
        ("it\x92s a film", "wrongly decoded characters"),
        ("itâ€™s a film", "wrongly decoded characters"),
        ("a film\x00", "control characters"),
        ("a film<br /><br />and", "HTML tags"),
        ("popcorn &amp; a film", "HTML entities"),
        ("a film.\\n\\nThe end", r"escapes such as \\n"),
        (r"a \u201cfilm\u201d", r"escapes such as \\n"),
    ],
)
def test_damage_is_found_with_its_row(damaged: str, message: str) -> None:
    rows = clean()
    rows["test"][4] = (damaged, 0)
    (finding,) = find_encoding_damage(splits_of(rows))
    assert finding.rows == (("test", 5),)
    assert message.replace("\\\\", "\\") in finding.message


def test_damage_in_many_rows_is_a_warning_and_markup_never_more_than_a_note() -> None:
    rows = clean()
    rows["train"][:2] = [("a clichÃ© of a film", 0), ("rÃ©sumÃ© of a film", 1)]
    rows["train"][2:30] = [(f"a film<br />{text}", label) for text, label in rows["train"][2:30]]
    damage, markup = find_encoding_damage(splits_of(rows))
    assert damage.severity == "warning"
    assert "2 rows (1.1 %)" in damage.message
    assert markup.severity == "note"


@pytest.mark.parametrize(
    "text",
    [
        "un café crème à côté du théâtre, s’il vous plaît",
        "Привет, как дела? Всё хорошо.",
        "Καλημέρα, τι κάνεις; — «καλά»",
        "これは映画です。とても良い！",
        "mixed “quotes” – and … emoji 😀 ©",
        "3 < 4 and a > b, <3 you, <http://example.org>",
        "fish & chips; AT&T; R&D",
        r"see C:\new\readme.txt and \alpha",
        "a tab\tand a line\r\nend",
    ],
)
def test_intact_texts_of_any_script_have_no_finding(text: str) -> None:
    rows = clean()
    rows["train"][0] = (text, 0)
    assert find_encoding_damage(splits_of(rows)) == []
