"""Which texts hold digits enough, and near enough, that masking could find a number, or a dot that could be
an address's: told byte by byte.

A regular expression over a long text, or the search for a Cyrillic word (every second byte may begin it),
costs as much as reading it from the file. Here a batch of texts is one array of bytes, read once by a
compiled loop: two hundred nanoseconds a text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    Look = Callable[[npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.int8]], None]

NOTHING, AFTER_A_WORD, LOOK = 0, 1, 2  # a number after a word such as «тел»; whatever stands before it

# Eight digits with up to nine characters of three bytes between two of them; five with up to one between.
_LONG, _LONG_STEP = 8, 1 + 9 * 3
_SHORT, _SHORT_STEP = 5, 1 + 3
_ZERO, _NINE, _DOT, _BLANK = ord("0"), ord("9"), ord("."), ord(" ")
_LOWER, _A, _Z = 0x20, ord("a"), ord("z")
_R_OF_RF = 0xD1  # the domains that matter are Latin or рф
# UTF-8: letters of Cyrillic, and signs such as № or — begin with other bytes; 🙂 and its like are let pass.
_OTHER_SCRIPTS, _SIGNS, _FULL_WIDTH, _FAR = 0xD4, 0xE2, 0xEF, 0xF0
_FULL_WIDTH_NEXT, _EMOJI_NEXT, _DIGITS_AMONG_EMOJI = 0xBC, 0x9F, 0xAF


def numbers(texts: Any) -> Any:
    """Arrow texts → NOTHING, AFTER_A_WORD or LOOK for each (int8); errs towards LOOK only."""
    import numpy as np
    import pyarrow as pa

    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    told = [_told(chunk.cast(pa.string())) for chunk in chunks]
    return pa.array(np.concatenate(told) if told else [], pa.int8())


def _told(texts: Any) -> npt.NDArray[np.int8]:
    import numpy as np

    told = np.zeros(len(texts), np.int8)
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
        look: Look = numba.njit(_look, nogil=True, cache=True)
    except RuntimeError:  # nowhere to keep it: each process compiles it, which takes seconds
        look = numba.njit(_look, nogil=True)
    return look


def _look(content: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32], told: npt.NDArray[np.int8]) -> None:
    """Each text's verdict into `told`; text i is the bytes from offsets[i] to offsets[i + 1]."""
    for text in range(len(told)):
        begin, end = offsets[text], offsets[text + 1]
        verdict, long_run, short_run, last = NOTHING, 0, 0, begin - _LONG_STEP - 1
        for place in range(begin, end):
            byte = content[place]
            if _ZERO <= byte <= _NINE:
                long_run = long_run + 1 if place - last <= _LONG_STEP else 1
                short_run = short_run + 1 if place - last <= _SHORT_STEP else 1
                last = place
                if long_run >= _LONG:
                    verdict = LOOK
                elif short_run >= _SHORT:
                    verdict = AFTER_A_WORD
            elif byte == _DOT:
                following = content[place + 1] if place + 1 < end else _BLANK
                # A letter of a domain right behind and no blank right before: all that links and addresses
                # spelled with «собака» or (at) have in common.
                is_letter = following == _R_OF_RF or _A <= (following | _LOWER) <= _Z
                if is_letter and place > begin and content[place - 1] > _BLANK:
                    verdict = LOOK
            elif byte >= _OTHER_SCRIPTS and byte != _SIGNS:
                # Scripts with digits of their own, of full width too.
                following = content[place + 1] if place + 1 < end else 0
                third = content[place + 2] if place + 2 < end else 0
                if byte == _FULL_WIDTH:
                    harmless = following != _FULL_WIDTH_NEXT
                else:
                    harmless = byte == _FAR and following == _EMOJI_NEXT and third != _DIGITS_AMONG_EMOJI
                if not harmless:
                    verdict = LOOK
            if verdict == LOOK:
                break
        told[text] = verdict
