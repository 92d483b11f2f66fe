"""Which texts hold digits enough, and near enough, that masking could find a number, or a dot that could be
an address's: told byte by byte.

A regular expression over a long text, or the search for a Cyrillic word (every second byte may begin it),
costs as much as reading it from the file. Here a batch of texts is one array of bytes, and what is done to
every byte are four comparisons; the rest concerns the digits and dots found.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

NOTHING, AFTER_A_WORD, LOOK = 0, 1, 2  # a number after a word such as «тел»; whatever stands before it

# Eight digits with up to nine characters of three bytes between two of them; five with up to one between.
_LONG, _LONG_STEP = 8, 1 + 9 * 3
_SHORT, _SHORT_STEP = 5, 1 + 3
# UTF-8: letters of Cyrillic, and signs such as № or — begin with other bytes; 🙂 and its like are let pass.
_OTHER_SCRIPTS, _SIGNS, _FULL_WIDTH, _FAR = 0xD4, 0xE2, 0xEF, 0xF0
_FULL_WIDTH_NEXT, _EMOJI_NEXT, _DIGITS_AMONG_EMOJI = 0xBC, 0x9F, 0xAF
_FROM_DOT = (ord(".") - ord("0")) % 256
_BLANK, _R_OF_RF = ord(" "), 0xD1  # the domains that matter are Latin or рф


class Numbers(threading.local):
    """Asked in batches, by any thread. Its scratch space is kept: to get and give back half a megabyte for
    each batch costs more than what is done in it."""

    def __init__(self) -> None:
        import numpy as np

        self._scratch = np.empty((2, 0), np.uint8)

    def __call__(self, texts: Any) -> Any:
        """Arrow texts → NOTHING, AFTER_A_WORD or LOOK for each; errs towards LOOK only."""
        import numpy as np
        import pyarrow as pa

        chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
        told = [_told(chunk.cast(pa.string()), self._space) for chunk in chunks]
        return pa.array(np.concatenate(told) if told else [], pa.int8())

    def _space(self, size: int) -> npt.NDArray[np.uint8]:
        import numpy as np

        if self._scratch.shape[1] < size:
            self._scratch = np.empty((2, size * 5 // 4), np.uint8)
        return self._scratch[:, :size]


def _told(texts: Any, space: Callable[[int], npt.NDArray[np.uint8]]) -> npt.NDArray[np.int8]:
    import numpy as np

    told = np.zeros(len(texts), np.int8)
    _, offsets_buffer, bytes_buffer = texts.buffers()
    if bytes_buffer is None or not len(texts):
        return told
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    content = np.frombuffer(bytes_buffer, np.uint8)[offsets[0] : offsets[-1]]
    starts = offsets[:-1] - offsets[0]

    def text_of(places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.searchsorted(starts, places, "right") - 1

    values, found = space(len(content))
    found = found.view(np.bool_)
    np.subtract(content, np.uint8(ord("0")), out=values)
    digits = np.flatnonzero(np.less(values, 10, out=found))
    borders = np.searchsorted(digits, starts)
    for count, step, verdict in ((_SHORT, _SHORT_STEP, AFTER_A_WORD), (_LONG, _LONG_STEP, LOOK)):
        told[text_of(_runs(digits, borders, count, step))] = verdict
    told[text_of(_domains(content, np.equal(values, _FROM_DOT, out=found)))] = LOOK
    told[text_of(_other_scripts(content, np.greater_equal(content, _OTHER_SCRIPTS, out=found)))] = LOOK
    return told


def _runs(
    digits: npt.NDArray[np.int64], borders: npt.NDArray[np.int64], count: int, step: int
) -> npt.NDArray[np.int64]:
    """Where runs of at least `count` digits begin, none more than `step` bytes from the next; `borders` are
    the digits with which another text begins."""
    import numpy as np

    begins = np.ones(len(digits) + 1, np.bool_)
    begins[1:-1] = np.diff(digits) > step
    begins[borders] = True
    places = np.flatnonzero(begins)
    return digits[places[:-1][np.diff(places) >= count]]


def _domains(content: npt.NDArray[np.uint8], dots: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Dots with a letter of a domain right behind and no blank right before: all that links and addresses
    spelled with «собака» or (at) have in common."""
    import numpy as np

    places = np.flatnonzero(dots)
    before = content[places - 1]  # of the first byte: the last, whatever that is
    following = content[np.minimum(places + 1, len(content) - 1)]
    letters = (following | 0x20) - np.uint8(ord("a")) < 26
    return places[(before > _BLANK) & (letters | (following == _R_OF_RF))]


def _other_scripts(content: npt.NDArray[np.uint8], maybe: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Where letters begin whose script has digits of its own, of the places that may be such."""
    import numpy as np

    places = np.flatnonzero(maybe)
    places = places[content[places] != _SIGNS]
    lead = content[places]
    following = content[np.minimum(places + 1, len(content) - 1)]
    third = content[np.minimum(places + 2, len(content) - 1)]
    harmless = ((lead == _FULL_WIDTH) & (following != _FULL_WIDTH_NEXT)) | (
        (lead == _FAR) & (following == _EMOJI_NEXT) & (third != _DIGITS_AMONG_EMOJI)
    )
    return places[~harmless]
