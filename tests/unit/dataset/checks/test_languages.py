from __future__ import annotations

from tests.labelled import clean, splits_of

from finesweep.dataset.checks.languages import find_languages

ENGLISH = "I watched this film with my family last night and we all thought that it was {} indeed"
SPANISH = "Vi esta película con mi familia anoche y a todos nos pareció que era realmente {}"
GERMAN = "Ich habe diesen Film gestern mit meiner Familie gesehen und alle fanden ihn {}"
WORDS = [
    f"{one}{two}"
    for one in ("big", "old", "new", "odd", "shy")
    for two in ("ger", "er", "ly", "ish")
]


def rows_in(language: str, label: int | None = None) -> list[tuple[str, int]]:
    return [
        (language.format(word), number % 2 if label is None else label)
        for number, word in enumerate(WORDS)
    ]


def test_rows_in_other_languages_are_found() -> None:
    rows = clean(2)
    rows["train"] += rows_in(ENGLISH)
    rows["test"] += [(GERMAN.format("gut"), 1), (SPANISH.format("buena"), 1)]
    (finding,) = find_languages(splits_of(rows))
    assert finding.rows == (("test", 3), ("test", 4))
    assert "another language than en" in finding.message
    assert "de 1" in finding.message
    assert "es 1" in finding.message


def test_a_few_are_a_note_and_many_a_warning() -> None:
    rows = clean(2)
    rows["train"] += rows_in(ENGLISH) + rows_in("Yesterday, " + ENGLISH)
    rows["test"] += [(GERMAN.format("gut"), 1)]
    assert [finding.severity for finding in find_languages(splits_of(rows))] == ["note"]
    rows["test"] += [(SPANISH.format("buena"), 1), (SPANISH.format("mala"), 0)]
    assert [finding.severity for finding in find_languages(splits_of(rows))] == ["warning"]


def test_a_language_that_always_means_one_class_is_a_shortcut() -> None:
    rows = clean(2)
    rows["train"] += rows_in(ENGLISH) + rows_in("Yesterday, " + ENGLISH)
    rows["test"] += rows_in(SPANISH, label=1)
    others, shortcut = find_languages(splits_of(rows))
    assert others.rows == shortcut.rows == tuple(("test", number) for number in range(3, 23))
    assert shortcut.severity == "warning"
    assert "20 of 20 texts in es have the label 'good', against 5" in shortcut.message


def test_a_language_with_all_classes_is_no_shortcut() -> None:
    rows = clean(2)
    rows["train"] += rows_in(ENGLISH)
    rows["test"] += rows_in(SPANISH)
    assert len(find_languages(splits_of(rows))) == 1


def test_urls_short_texts_and_commands_have_no_language() -> None:
    rows = clean(2)
    rows["train"] += rows_in(ENGLISH)
    rows["test"] += [
        ("https://www.beispiel.de/nachrichten/wirtschaft/der-neue-haushalt-ist-da.html", 1),
        ("muy buena película", 1),
        ("Donaudampfschifffahrtsgesellschaft Bundesverfassungsgerichtsentscheidung", 1),
        ("Great egg drop soup.  Kung pao chicken - meh.  Beef broccoli - yum.", 1),
        ("Kung pao chicken, beef broccoli, tom yum, pad thai, yum", 1),
        ("@pedro #genial https://ejemplo.es/una/pelicula/muy/buena/para/toda/la/familia", 1),
    ]
    assert find_languages(splits_of(rows)) == []
