"""Which texts hold anything that masking could change: the few others of millions pass untouched.

Short texts are judged by SQL, long ones byte by byte: a regular expression over a long text, or the search
for a Cyrillic word (every second byte may begin it), costs as much as reading it from the file. Here a batch
of texts is one array of bytes, read once by a compiled loop. Both err towards suspicion only.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Look = Callable[[Bytes, npt.NDArray[np.int32], Bytes], None]

_LONG_TEXT = 100  # bytes; to hand a batch over to Python costs as much as SQL's tests of such texts
_SHORTEST = 6  # bytes of a number or a link; t.me/a is one
# What `privacy.mask` and `cells.plain` could change holds one of these, digits, or a domain.
_HOLDERS = ("@", "[", "*", "<", "&")
# The ranges stand for scripts whose digits and letters there is no cheap test for.
_DIGITS_OR_DOMAIN = (
    r"(?:[0-9][^0-9]*){5}|\.[A-Za-zр]"
    r"|[\x{530}-\x{1fff}\x{2c00}-\x{fdff}\x{fe10}-\x{1efff}\x{1fb00}-\x{10ffff}]"
)
_NUMBERED_ID = "(?i)id[0-9]"

_HOLDING = tuple(map(ord, _HOLDERS))
# Eight digits with up to nine characters of three bytes between two of them are a number whatever stands
# before them; five with up to one between are one after a word such as «тел».
_MANY, _MANY_STEP = 8, 1 + 9 * 3
_SOME, _SOME_STEP = 5, 1 + 3
_ZERO, _NINE, _DOT, _BLANK = ord("0"), ord("9"), ord("."), ord(" ")
_LOWER, _A, _Z, _I, _D = 0x20, ord("a"), ord("z"), ord("i"), ord("d")
_R_OF_RF = 0xD1  # the domains that matter are Latin or рф
# UTF-8: letters of Cyrillic, and signs such as № or — begin with other bytes; 🙂 and its like are let pass.
_OTHER_SCRIPTS, _SIGNS, _FULL_WIDTH, _FAR = 0xD4, 0xE2, 0xEF, 0xF0
_FULL_WIDTH_NEXT, _EMOJI_NEXT, _DIGITS_AMONG_EMOJI = 0xBC, 0x9F, 0xAF
_CYRILLIC, _CONTINUED, _LEAD = (0xD0, 0xD1), 0x80, 0xC0
_CAPITAL_A, _CAPITAL_YA, _CAPITAL_TO_SMALL = ord("А"), ord("Я"), ord("а") - ord("А")
# The words of `privacy.mask` that announce a number.
_THREE = tuple(tuple(map(ord, word)) for word in ("тел", "моб", "сот"))
_FOUR = tuple(tuple(map(ord, word)) for word in ("звон", "факс"))


def suspicious(text: str) -> str:
    """SQL, never null, that is true wherever masking could change the text; needs `look` as a function."""
    holders = " OR ".join(f"contains({text}, '{one}')" for one in _HOLDERS)
    digits = f"strlen({text}) >= {_SHORTEST} AND regexp_matches({text}, '{_DIGITS_OR_DOMAIN}')"
    short = f"{holders} OR ({digits}) OR regexp_matches({text}, '{_NUMBERED_ID}')"
    return (
        f"CASE WHEN {text} IS NULL THEN false WHEN strlen({text}) < {_LONG_TEXT} THEN {short}"
        f" ELSE look({text}) END"
    )


def look(texts: Any) -> Any:
    """Arrow texts → whether each is suspicious."""
    import numpy as np
    import pyarrow as pa

    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    told = [_told(chunk.cast(pa.string())) for chunk in chunks]
    return pa.array(np.concatenate(told).view(np.bool_) if told else [], pa.bool_())


def _told(texts: Any) -> Bytes:
    import numpy as np

    told = np.zeros(len(texts), np.uint8)
    _, offsets, content = texts.buffers()
    if content is not None and len(texts):
        ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
        _compiled()(np.frombuffer(content, np.uint8), ends, told)
    return told


@lru_cache(maxsize=1)
def _compiled() -> Look:
    """The loop as machine code that holds up no other thread; kept on disk where that is possible."""
    import numba

    try:
        compiled: Look = numba.njit(_look, nogil=True, cache=True)
    except RuntimeError:  # nowhere to keep it: each process compiles it, which takes seconds
        compiled = numba.njit(_look, nogil=True)
    return compiled


def _look(content: Bytes, offsets: npt.NDArray[np.int32], told: Bytes) -> None:
    """1 into `told` for each suspicious text; text i is the bytes from offsets[i] to offsets[i + 1]."""
    for text in range(len(told)):
        begin, end = offsets[text], offsets[text + 1]
        is_found, wants_word = False, False
        many = some = 0
        last = begin - _MANY_STEP - 1
        for place in range(begin, end):
            byte = content[place]
            if _CONTINUED <= byte < _OTHER_SCRIPTS:
                continue
            if _ZERO <= byte <= _NINE:
                many = many + 1 if place - last <= _MANY_STEP else 1
                some = some + 1 if place - last <= _SOME_STEP else 1
                last = place
                is_found = many >= _MANY
                wants_word = wants_word or some >= _SOME
            elif byte == _DOT:
                following = content[place + 1] if place + 1 < end else _BLANK
                # A letter of a domain right behind and no blank right before: all that links and addresses
                # spelled with «собака» or (at) have in common.
                is_letter = following == _R_OF_RF or _A <= (following | _LOWER) <= _Z
                is_found = is_letter and place > begin and content[place - 1] > _BLANK
            elif byte | _LOWER == _I:
                is_found = (
                    place + 2 < end
                    and content[place + 1] | _LOWER == _D
                    and _ZERO <= content[place + 2] <= _NINE
                )
            elif byte in _HOLDING:
                is_found = True
            elif byte >= _OTHER_SCRIPTS and byte != _SIGNS:
                # Scripts with digits of their own, of full width too.
                following = content[place + 1] if place + 1 < end else 0
                third = content[place + 2] if place + 2 < end else 0
                if byte == _FULL_WIDTH:
                    is_found = following == _FULL_WIDTH_NEXT
                else:
                    is_found = byte != _FAR or following != _EMOJI_NEXT or third == _DIGITS_AMONG_EMOJI
            if is_found:
                break
        if wants_word and not is_found:
            before, first, second, third = 0, 0, 0, 0  # the newest letters, as small ones
            for place in range(begin, end):
                byte = content[place]
                if _CONTINUED <= byte < _LEAD:
                    continue
                letter = 0
                if byte in _CYRILLIC and place + 1 < end:
                    letter = (byte & 0x1F) << 6 | (content[place + 1] & 0x3F)
                    if _CAPITAL_A <= letter <= _CAPITAL_YA:
                        letter += _CAPITAL_TO_SMALL
                before, first, second, third = first, second, third, letter
                if (first, second, third) in _THREE or (before, first, second, third) in _FOUR:
                    is_found = True
                    break
        told[text] = is_found
