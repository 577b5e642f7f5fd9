from __future__ import annotations

import pytest
from tests.labelled import clean, splits_of

from finesweep.dataset.checks.languages import are_akin, find_languages

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


ARABIC = """هذا الفيلم جميل جدا وقد أعجبني كثيرا وأنا سعيد لأنني شاهدته مع أصدقائي
لا أعرف ماذا حدث في المدرسة اليوم يا جماعة
الحمد لله على كل شيء في هذه الدنيا
أريد أن أذهب الى البيت الآن مع أصدقائي
ماذا حدث في مصر اليوم مع الناس
الفيلم كان جميل جدا والله العظيم
كل الناس في البيت اليوم سعيدة"""
EGYPTIAN = """الفيلم ده حلو اوي وعجبني جدا وانا مبسوط اني شفته مع أصدقائي
انا مش عارف ايه اللي حصل في المدرسة اليوم يا جماعة
الحمد لله على كل حاجة في الدنيا دي"""
PERSIAN = "این فیلم خیلی خوب بود و من از دیدن آن با دوستانم لذت بردم"
MANDARIN = """今天的天气很好我们一起去公园玩
这个酒店的服务很好房间也很干净
公司今天发布了新的产品和服务
他们在公园里看到了很多人"""
WU = """今朝个天气老好个我们一起去公园玩
个个酒店个服务蛮好房间也蛮干净"""
BOKMAL = """jeg så denne filmen i går kveld og jeg syntes at den var veldig god
det var ikke en god film og jeg likte den ikke i det hele tatt
vi skal gå på kino i morgen og se en ny film
den var ikke så god som jeg trodde"""
NYNORSK = """eg såg denne filmen i går kveld og eg syntest at han var veldig god
det var ikkje ein god film og eg likte han ikkje i det heile"""


@pytest.mark.parametrize(
    ("main", "other", "akin"),
    [
        (ARABIC, EGYPTIAN, True),
        (ARABIC, PERSIAN, False),
        (MANDARIN, WU, True),
        (BOKMAL, NYNORSK, True),
        (BOKMAL, GERMAN, False),
        ("\n".join(ENGLISH.format(word) for word in WORDS), SPANISH, False),
        (MANDARIN, ENGLISH, False),
    ],
    ids=["egyptian", "persian", "wu", "nynorsk", "german", "spanish", "english"],
)
def test_a_variety_of_a_language_is_recognised_by_its_words(
    main: str, other: str, akin: bool
) -> None:
    assert are_akin(main.split("\n"), other.split("\n")) is akin


def test_varieties_of_one_language_are_a_note_that_does_not_say_unreadable() -> None:
    rows = clean(2)
    lines = [*ARABIC.split("\n"), "كان لاعب كرة قدم مع فريق الاهلى من سنة 2005 و هو الآن مدرب كبير"]
    rows["train"] += [(f"{a} {b}", k % 2) for k, a in enumerate(lines) for b in lines]
    player = "كان لاعب كورة قدم مصرى و بيلعب مع فريق الاهلى من سنة {} و دلوقتى هو مدرب"
    rows["test"] += [(player.format(year), year % 2) for year in range(2000, 2008)]
    (found,) = (each for each in find_languages(splits_of(rows)) if "arz" in each.message)
    assert found.severity == "note"
    assert "arz 9" in found.message  # and one of the others, by a wrong guess
    assert "shares most words with ar, the main language: a variety of it" in found.message
    assert "cannot read" not in found.message
    assert set(found.rows) >= {("test", number) for number in range(3, 11)}


def test_emoji_have_no_language() -> None:
    rows = clean(2)
    rows["train"] += rows_in(ENGLISH)
    rows["test"] += [("😂😉😎😊🤣" * 6, 0), ("wow 🎉🔥🚗🍕 so good 😀😃😄😁😍🥰😊🤣😢😭😡", 1)]
    assert find_languages(splits_of(rows)) == []
