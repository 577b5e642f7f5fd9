"""Detection of a file's encoding."""

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
"""Byte order mark → encoding; longer marks first, since they start with shorter ones."""
WITHOUT_LATIN = (
    *("gb18030", "big5", "shift_jis", "euc_jp", "cp949"),
    *("cp1255", "cp1253", "cp1251", "koi8_r", "cp1256", "cp874"),
)
"""Encodings of non-Latin scripts, of which the likeliest is suggested; of ties the first. Encodings
with more undefined bytes come first."""
SIGNS_IN_WORDS = re.compile(r"(?<=[^\W\d_])[¿{0}]|[{0}](?=[^\W\d_])".format("¹²³±¶¦¬¤¸¨˛ˇ´˘˝˙"))
"""Characters that no word contains, inside or at its end."""
CJK = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH"}
COMMON = set("оеаинтαοιετσיוהלאתמר")
"""The most frequent letters of Russian, Greek and Hebrew, whose encodings share the same bytes."""
N_BYTES = 100_000
REPLACED = "\ufffd"
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
LONG_RUN = 2.3
"""Mean length of runs of bytes above 127: shorter in Latin text, whole words in other scripts."""


def bom_encoding(start: bytes) -> str | None:
    """The encoding of a byte order mark at the start of a file; None without one."""
    return next((name for mark, name in MARKS.items() if start.startswith(mark)), None)


def detect_encoding(file: TableFile) -> str:
    """The encoding to read the file with: the configured one, unless that is UTF-8, the default,
    and the file is UTF-16 or UTF-32, which is noted."""
    configured = file.format.encoding
    if codecs.lookup(configured).name not in ("utf-8", "utf-8-sig"):
        return configured
    with open_compressed(file.path) as (stream, _):
        start = stream.read(N_BYTES)
    if (from_bom := bom_encoding(start[:4])) not in (None, "utf-8-sig"):
        file.guess(f"{from_bom} by its byte order mark", "encoding")
        return str(from_bom)
    if utf16 := _utf16_encoding(start):
        file.guess(f"{utf16}, as every second byte is zero", "encoding")
        return utf16
    return "utf-8-sig"


def note_replaced_characters(file: TableFile, encoding: str) -> None:
    """Notes how many characters are read as �, if the format replaces invalid ones."""
    if file.format.encoding_errors == "strict":
        return
    with open_text(file, encoding) as (text, _):
        note_replaced(
            file, sum(part.count(REPLACED) for part in iter(partial(text.read, N_BYTES), ""))
        )


def note_replaced(file: TableFile, n: int) -> None:
    """Notes that n characters are read as �, if there are any."""
    if n:
        characters = "1 character" if n == 1 else f"{n:,} characters"
        file.note(f"{characters} invalid in its encoding, read as �")


@contextmanager
def open_text(
    file: TableFile, encoding: str, *, newline: str | None = None
) -> Iterator[tuple[io.TextIOWrapper, Callable[[], float]]]:
    """The file's text, and a function that returns the share read so far, in [0, 1]. Reading raises
    UnicodeDecodeError on a wrong encoding, unless the format replaces invalid characters."""
    errors = file.format.encoding_errors
    with open_compressed(file.path) as (stream, share_read):
        text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline=newline)
        try:
            yield text, share_read
        finally:
            text.close()


def likely_encoding(content: bytes) -> str | None:
    """The likely encoding of content that is not UTF-8; None if only a few bytes are not."""
    if from_bom := bom_encoding(content[:4]):
        return from_bom
    if utf16 := _utf16_encoding(content[:N_BYTES]):
        return utf16
    non_ascii = [line for line in content.splitlines() if not line.isascii()]
    sample = b"\n".join(non_ascii)[:N_BYTES]
    if _is_nearly_utf8(sample):
        return None
    runs = [len(run) for run in HIGH_BYTES.findall(sample)]
    if sum(runs) < LONG_RUN * len(runs):
        return _latin_encoding(sample)
    return max(WITHOUT_LATIN, key=lambda name: _plausibility(sample, name))


def _is_nearly_utf8(sample: bytes) -> bool:
    decoded = sample.decode("utf-8", "replace")
    whole = sum(character > "\x7f" and character != "\ufffd" for character in decoded)
    return whole > decoded.count("\ufffd")


def _utf16_encoding(sample: bytes) -> str | None:
    """The UTF-16 variant of a text in Latin letters, in which every second byte is zero; else
    None."""
    zeros = sample[::2].count(0), sample[1::2].count(0)
    if max(zeros) < 0.3 * len(sample) or min(zeros) > 0.1 * max(zeros):
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _latin_encoding(sample: bytes) -> str:
    # In latin-1, bytes 0x80 to 0x9f are control characters, which texts do not have.
    west = "cp1252" if any(0x80 <= byte < 0xA0 for byte in sample) else "latin-1"
    return min((west, "cp1250", "iso8859_2"), key=lambda name: _n_misplaced(sample, name))


def _n_misplaced(sample: bytes, encoding: str) -> int:
    """Number of characters that the encoding lacks, or that are no letters but inside a word."""
    decoded = sample.decode(encoding, "replace")
    return decoded.count("\ufffd") + len(SIGNS_IN_WORDS.findall(decoded))


def _plausibility(sample: bytes, encoding: str) -> float:
    """How plausible the sample is in this encoding: the share of its main script, reduced by
    capitals."""
    decoded = sample.decode(encoding, "replace")
    high = [character for character in decoded if character > "\x7f"]
    if not high or decoded.count("\ufffd") > 0.01 * len(high) + 1:
        return 0.0
    scripts = Counter(unicodedata.name(each, "?").split()[0].split("-")[0] for each in high)
    if CJK & set(scripts):
        # Text that is all Hangul, or has kana, is not Chinese, though its bytes may decode so.
        hangul = scripts["HANGUL"] > 0.95 * len(high)
        kana = scripts["HIRAGANA"] > 0.1 * len(high) and encoding in ("shift_jis", "euc_jp")
        return sum(scripts[name] for name in CJK) / len(high) + 0.1 * (hangul or kana)
    capitals = sum(each.isupper() for each in high)
    common = sum(each in COMMON for each in high)
    return (scripts.most_common(1)[0][1] - capitals + 0.5 * common) / len(high)
