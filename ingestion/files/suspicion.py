"""Which texts hold anything that masking could change: the few others of millions pass untouched.

One regular expression, which DuckDB reads each text with once, in constant memory and on all its threads. A
function in Python, however fast by itself, costs several times as much: for each 2,048 texts DuckDB hands a
table over to Arrow, fetches the answer through Arrow's own threads, and holds all others up meanwhile.
"""

from __future__ import annotations

# What `privacy.mask` and `cells.plain` could change holds one of these …
_HOLDERS = r"[\x00@\[*<&]"
# … or the end of a domain, right behind which stands a letter, Latin or that of рф. Links, and addresses
# spelled with «собака» or (at), all have one.
_DOMAIN = r"[^\x00-\x20]\.[A-Za-zр]"
_NUMBERED_ID = "[iIİı][dD][0-9]"  # as Python ignores case
# … or a letter of a script whose digits there is no cheap test for.
_OTHER_SCRIPTS = r"[\x{530}-\x{1fff}\x{2c00}-\x{fdff}\x{fe10}-\x{1efff}\x{1fb00}-\x{10ffff}]"
# … or eight digits with up to nine characters between two of them: a number, whatever stands around it …
_NUMBER = "[0-9](?:[^0-9]{0,9}[0-9]){7}"
# … or five with up to one between, and somewhere a word that announces a number.
_TOWN_NUMBER = "[0-9](?:[^0-9]?[0-9]){4}"
_ANNOUNCED = "(?i:тел|звон|моб|сот|факс)"

_SUSPICIOUS = "|".join(
    (
        _HOLDERS,
        _DOMAIN,
        _NUMBERED_ID,
        _OTHER_SCRIPTS,
        _NUMBER,
        f"{_ANNOUNCED}(?s:.*){_TOWN_NUMBER}",
        f"{_TOWN_NUMBER}(?s:.*){_ANNOUNCED}",
    )
)


def suspicious(text: str) -> str:
    """SQL that is true wherever masking could change the text, and null where that is null.

    It errs towards suspicion only: what it passes, `privacy.mask(cells.plain(text))` leaves as it is.
    """
    return f"regexp_matches({text}, '{_SUSPICIOUS}')"
