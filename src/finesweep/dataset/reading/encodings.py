"""Which encoding a file is written in, when it is not the one that was said."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from finesweep.dataset.reading.compression import open_compressed
from finesweep.dataset.reading.pieces import TableFile

MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
"""Byte order mark → encoding; the longer marks first, which begin as the shorter do."""
WITHOUT_LATIN = (
    *("gb18030", "big5", "shift_jis", "euc_jp", "cp949"),
    *("cp1255", "cp1253", "cp1251", "koi8_r", "cp1256", "cp874"),
)
"""Encodings of other scripts than Latin, of which the likeliest is offered; of equal ones the
first, and those that leave more bytes undefined stand before others."""
SIGNS_IN_WORDS = re.compile(r"(?<=[^\W\d_])[¿{0}]|[{0}](?=[^\W\d_])".format("¹²³±¶¦¬¤¸¨˛ˇ´˘˝˙"))
"""Signs that no word has, at its end or within."""
CJK = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH"}
COMMON = set("оеаинтαοιετσיוהלאתמר")
"""The commonest letters of Russian, Greek and Hebrew, which stand on each other's bytes."""
N_BYTES = 100_000
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
LONG_RUN = 2.3
"""Bytes above 127 in a row, on average: in Latin letters there are fewer, elsewhere whole words."""


def bom_encoding(start: bytes) -> str | None:
    """The encoding that a byte order mark at the start of a file says; None where there is none."""
    return next((name for mark, name in MARKS.items() if start.startswith(mark)), None)


def detect_encoding(file: TableFile) -> str:
    """The encoding to read the file by: the one that was said, unless that is UTF-8, by default,
    and the file is of two or four bytes a character, which is noted."""
    said = file.format.encoding
    if codecs.lookup(said).name not in ("utf-8", "utf-8-sig"):
        return said
    with open_compressed(file.path) as (stream, _):
        start = stream.read(N_BYTES)
    if (marked := bom_encoding(start[:4])) not in (None, "utf-8-sig"):
        file.guess(f"{marked} by its byte order mark", "encoding")
        return str(marked)
    if wide := _wide_encoding(start):
        file.guess(f"{wide}, as every second byte is zero", "encoding")
        return wide
    return "utf-8-sig"


def note_replaced_characters(file: TableFile, encoding: str) -> None:
    """Says how many characters are read as �, where the format says that they are replaced."""
    if file.format.encoding_errors == "strict":
        return
    with open_text(file, encoding) as (text, _):
        n = sum(part.count("\ufffd") for part in iter(partial(text.read, N_BYTES), ""))
    if n:
        characters = "1 character" if n == 1 else f"{n:,} characters"
        file.note(f"{characters} not of its encoding read as �")


@contextmanager
def open_text(
    file: TableFile, encoding: str, *, newline: str | None = None
) -> Iterator[tuple[io.TextIOWrapper, Callable[[], float]]]:
    """The file's text, and how much of it has been read, in [0, 1]. UnicodeDecodeError, as it is
    read, on another encoding, unless its format says that characters are replaced."""
    errors = file.format.encoding_errors
    with open_compressed(file.path) as (stream, share_read):
        text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline=newline)
        try:
            yield text, share_read
        finally:
            text.close()


def likely_encoding(content: bytes) -> str | None:
    """What content, which is not UTF-8, is probably written in; None where it is UTF-8 but for a
    few bytes."""
    if marked := bom_encoding(content[:4]):
        return marked
    if wide := _wide_encoding(content[:N_BYTES]):
        return wide
    high = [line for line in content.splitlines() if not line.isascii()]
    sample = b"\n".join(high)[:N_BYTES]
    if _is_nearly_utf8(sample):
        return None
    runs = [len(run) for run in HIGH_BYTES.findall(sample)]
    if sum(runs) < LONG_RUN * len(runs):
        return _of_latin_letters(sample)
    return max(WITHOUT_LATIN, key=lambda name: _plausibility(sample, name))


def _is_nearly_utf8(sample: bytes) -> bool:
    decoded = sample.decode("utf-8", "replace")
    whole = sum(character > "\x7f" and character != "\ufffd" for character in decoded)
    return whole > decoded.count("\ufffd")


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 of a text in Latin letters, which has a zero in every second byte; else None."""
    zeros = sample[::2].count(0), sample[1::2].count(0)
    if max(zeros) < 0.3 * len(sample) or min(zeros) > 0.1 * max(zeros):
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _of_latin_letters(sample: bytes) -> str:
    # Bytes 0x80 to 0x9f are control characters in latin-1, which no text has.
    west = "cp1252" if any(0x80 <= byte < 0xA0 for byte in sample) else "latin-1"
    return min((west, "cp1250", "iso8859_2"), key=lambda name: _n_misplaced(sample, name))


def _n_misplaced(sample: bytes, encoding: str) -> int:
    """How many characters the encoding lacks, or stand within a word and are no letters."""
    decoded = sample.decode(encoding, "replace")
    return decoded.count("\ufffd") + len(SIGNS_IN_WORDS.findall(decoded))


def _plausibility(sample: bytes, encoding: str) -> float:
    """How much the sample looks like writing, when it is read so: the share of one script among
    its letters, of which most are small where there are capitals."""
    decoded = sample.decode(encoding, "replace")
    other = [character for character in decoded if character > "\x7f"]
    if not other or decoded.count("\ufffd") > 0.01 * len(other) + 1:
        return 0.0
    scripts = Counter(unicodedata.name(each, "?").split()[0].split("-")[0] for each in other)
    if CJK & set(scripts):
        # What is wholly Hangul, or has kana, is no Chinese, though its bytes may be read so.
        hangul = scripts["HANGUL"] > 0.95 * len(other)
        kana = scripts["HIRAGANA"] > 0.1 * len(other) and encoding in ("shift_jis", "euc_jp")
        return sum(scripts[name] for name in CJK) / len(other) + 0.1 * (hangul or kana)
    capitals = sum(each.isupper() for each in other)
    common = sum(each in COMMON for each in other)
    return (scripts.most_common(1)[0][1] - capitals + 0.5 * common) / len(other)
