"""What a citizen wrote, without what networks and forms put around it.

`clean` is idempotent and never raises. It keeps the words and their order; case and marks of sentences stay,
because kind and tone are read from them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

# A tag begins with a letter, a slash or an exclamation mark: «t < 18 и > 5» is no tag.
_TAG = re.compile(r"<!--.*?-->|<[/!]?[a-zA-Z][^<>]{0,2000}>", re.DOTALL)
_ENTITY = re.compile(r"&#?\w{2,32};")
# Lines that repeat the post or an earlier letter.
_QUOTED_LINE = re.compile(r"^[ \t]*>+.*$", re.MULTILINE)
_ADDRESSED = re.compile(
    r"\[(?:id|club|public|event)\d+[^|\]\n]{0,64}\|[^\]\n]{0,256}\]\s*,?|\[mention\]\s*,?"
)
_AT_NAME = re.compile(r"[@*](?:\w[\w.]{0,63}|…)(?:\s?\([^)\n]{0,64}\))?")
_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w\-]{1,63}(?:\.[\w\-]{1,63})*\.(?:ru|com|рф|org|me)/\S*", re.IGNORECASE
)
_MASKED = re.compile(r"‹[^›\n]{1,20}›")
# «++» and «+++» support somebody's words; they are none of their own.
_PLUSES = re.compile(r"\+{2,}")
_STRETCHED = re.compile(r"([А-Яа-яЁёA-Za-z])\1\1+")
_MARKS = re.compile(r"([!?.,;:)(\-—–_=*~#^'\"/\\|])\1\1\1+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\u0300-\u0305]")
_BLANKS = re.compile(r"[^\S\n ]+ *|  +")
_LINES = re.compile(r"\s*\n\s*")
_PERHAPS_PICTURE = re.compile("[\u2000-\U0010ffff]")
_ADDRESS_PARTS = ("://", "www.", ".ru/", ".com/", ".рф/", ".org/", ".me/")
_MIXED = re.compile(
    r"[А-Яа-яЁё][А-Яа-яЁё0-9]*[A-Za-z][A-Za-zА-Яа-яЁё0-9]*|[A-Za-z][A-Za-z0-9]*[А-Яа-яЁё][A-Za-zА-Яа-яЁё0-9]*"
)
_TOUCHING = re.compile(r"[A-Za-z0-9][А-Яа-яЁё]|[А-Яа-яЁё0-9][A-Za-z]")
_LATIN = re.compile(r"[A-Za-z]")
_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
_LOOK_ALIKES = str.maketrans("ABCEHKMOPTXaceopxy", "АВСЕНКМОРТХасеорху")
_LOOKS_CYRILLIC = re.compile(r"[ABCEHKMOPTXaceopxy]+")
# Prepositions and «я» are often a key of the other alphabet: one such letter among Cyrillic words.
_LONE = re.compile(r"(?<![\w'’-])[aocykABCOKY](?![\w'’-])")
_LONE_LETTERS = str.maketrans("aocykABCOKY", "аосукАВСОКУ")


@lru_cache(maxsize=1_024)
def clean(text: str) -> str:
    """The words of a message: no markup, addresses, links, quotes, emoji, stretched or mixed-up letters."""
    before = None
    # What was escaped twice is a tag only after it was unescaped, and a quote only after its <br>.
    while text != before:
        before, text = text, _once(text)
    return text


def _once(text: str) -> str:
    if "<" in text:
        text = _TAG.sub(_as_blank, text)
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity.group()), text)
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    if ">" in text:
        text = _QUOTED_LINE.sub(" ", text)
    if "[" in text:
        text = _ADDRESSED.sub(" ", text)
    if "@" in text or "*" in text:
        text = _AT_NAME.sub(" ", text)
    low = text.lower()
    if any(part in low for part in _ADDRESS_PARTS):
        text = _LINK.sub(" ", text)
    if "‹" in text:
        text = _MASKED.sub(" ", text)
    text = _PLUSES.sub(" ", text)
    if not text.isascii():
        text = _PERHAPS_PICTURE.sub(_without_picture, text)
    text = _MARKS.sub(r"\1\1\1", _STRETCHED.sub(r"\1", text))
    if _TOUCHING.search(text):
        text = _MIXED.sub(_in_one_alphabet, text)
    if _LATIN.search(text) and _CYRILLIC.search(text):
        text = _LONE.sub(lambda lone: lone.group().translate(_LONE_LETTERS), text)
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def _as_blank(tag: re.Match[str]) -> str:
    """A line break where the tag breaks the line, so that quoted lines stay lines."""
    name = tag.group()[1:4].lower().lstrip("/")
    return "\n" if name.startswith(("br", "p>", "p ", "div", "li", "tr")) else " "


def _without_picture(letter: re.Match[str]) -> str:
    return " " if unicodedata.category(letter.group()) in ("So", "Sk", "Cs", "Co", "Cn") else letter.group()


def _in_one_alphabet(word: re.Match[str]) -> str:
    """A word of both alphabets in Cyrillic, where each Latin letter has a twin that looks like it."""
    letters = word.group()
    latin = re.sub(r"[^A-Za-z]", "", letters)
    return letters.translate(_LOOK_ALIKES) if _LOOKS_CYRILLIC.fullmatch(latin) else letters
