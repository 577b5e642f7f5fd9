"""Encodings other than UTF-8 are detected if the file marks them, else suggested."""

from __future__ import annotations

import pytest
from tests.unit.dataset.conftest import ROWS, Read, delimited, notes_of, rows_of

from finesweep.dataset.reading.encodings import likely_encoding
from finesweep.errors import ConfigError


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8-sig", []),
        ("utf-16", ["a.csv: utf-16 by its byte order mark; dataset.encoding sets it"]),
        ("utf-32", ["a.csv: utf-32 by its byte order mark; dataset.encoding sets it"]),
        ("utf-16-le", ["a.csv: utf-16-le, as every second byte is zero; dataset.encoding sets it"]),
        ("utf-16-be", ["a.csv: utf-16-be, as every second byte is zero; dataset.encoding sets it"]),
    ],
)
@pytest.mark.parametrize("by", [",", ";"])
def test_unicode_is_read_in_every_form(read: Read, encoding: str, note: list[str], by: str) -> None:
    rows = [(f"{text} é 😀", label) for text, label in ROWS]
    splits = read("a.csv", delimited(rows, by=by).encode(encoding))
    assert rows_of(splits) == rows
    assert [each for each in notes_of(splits) if "separated" not in each] == note


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("it’s … “fine”", "cp1252"),
        ("C’est déjà très bien", "cp1252"),
        ("déjà vu, naïve café", "latin-1"),
        ("d\xe9j\xe0", "latin-1"),
        ("To był naprawdę świetny film, żałuję że się skończył", "cp1250"),
        ("To był naprawdę świetny film, żałuję że się skończył", "iso8859_2"),
        ("Это очень хороший фильм, я смотрел его дважды", "cp1251"),
        ("Это очень хороший фильм, я смотрел его дважды", "koi8_r"),
        ("Πολύ καλή ταινία, την είδα δύο φορές", "cp1253"),
        ("סרט טוב מאוד, ראיתי אותו פעמיים", "cp1255"),
        ("فيلم جيد جدا شاهدته مرتين", "cp1256"),
        ("这部电影很好看，我很喜欢", "gb18030"),
        ("這部電影很好看，我很喜歡", "big5"),
        ("とても良い映画でした", "shift_jis"),
        ("とても良い映画でした", "euc_jp"),
        ("정말 좋은 영화입니다", "cp949"),
        ("plain words", "utf-16"),
        ("plain words", "utf-16-be"),
    ],
)
@pytest.mark.parametrize("n_rows", [1, 50])
def test_the_encoding_of_a_text_is_guessed(text: str, encoding: str, n_rows: int) -> None:
    content = delimited([(text, "good")] * n_rows).encode(encoding)
    assert likely_encoding(content) == encoding


def test_a_file_of_windows_is_refused_with_its_encoding(read: Read) -> None:
    rows = [("it’s … “fine”", "good"), *ROWS]
    content = delimited(rows).encode("cp1252")
    with pytest.raises(
        ConfigError, match=r"not utf-8 at byte 13 .*; try dataset\.encoding=cp1252$"
    ):
        read("a.csv", content)
    assert rows_of(read("a.csv", encoding="cp1252")) == rows


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_a_few_bytes_that_are_no_characters_may_be_replaced(read: Read, name: str) -> None:
    rows = [(f"naïve {text}", label) for text, label in ROWS]
    content = {
        "a.csv": delimited([*rows, ("caf@", "good")]),
        "a.txt": "".join(f"__label__{label} {text}\n" for text, label in [*rows, ("caf@", "good")]),
        "a.jsonl": "".join(
            f'{{"text": "{text}", "label": "{label}"}}\n'
            for text, label in [*rows, ("caf@", "good")]
        ),
    }[name]
    broken = content.encode().replace(b"@", b"\xe9")
    message = r"1 invalid character; dataset\.encoding_errors=replace reads them as �"
    with pytest.raises(ConfigError, match=message):
        read(name, broken)
    splits = read(name, broken, encoding_errors="replace")
    assert rows_of(splits) == [*rows, ("caf�", "good")]
    assert f"{name}: 1 character invalid in its encoding, read as �" in notes_of(splits)
