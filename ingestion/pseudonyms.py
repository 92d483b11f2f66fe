"""People become keyed hashes: irreversible without the key, equal as long as the keys are.

Keys are a chain. The first makes a hash of a person's id, each later one makes a new hash of the hash before
it: what stands in the warehouse can be brought under a new key without knowing anybody's id
(`ingestion.rekey`), a person stays one person through it, and an old key alone no longer leads from an id to
any row.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    import duckdb

_BLOCK = 64  # bytes that SHA-256 takes at once


class Pseudonyms:
    """Stand-ins for people. `old` are the keys before `key`, the first one first."""

    def __init__(self, key: SecretStr, old: Sequence[SecretStr] = ()) -> None:
        self._keys = [one.get_secret_value().encode() for one in (*old, key)]

    def author_key(self, namespace: str, identity: int | str) -> str:
        """32 hex digits for a person of a source; the same in all regions."""
        return self.onward(_digest(self._keys[0], f"{namespace}:{identity}"), 1)

    def number(self, namespace: str, identity: int | str) -> int:
        """A positive 60-bit number for a person, where a column must stay a number."""
        return self.onward_number(int(_digest(self._keys[0], f"{namespace}:{identity}")[:15], 16), 1)

    def onward(self, hashed: str, keys: int) -> str:
        """What a hash made under the first `keys` keys is under all of them."""
        for key in self._keys[keys:]:
            hashed = _digest(key, f"rekey:{hashed}")
        return hashed

    def onward_number(self, number: int, keys: int) -> int:
        """The same for numbers."""
        for key in self._keys[keys:]:
            number = int(_digest(key, f"rekey number:{number}")[:15], 16)
        return number

    def identities(self) -> list[str]:
        """What tells, without revealing them, under which keys rows were made: one word for each length of
        the chain, the whole chain's last."""
        first = _digest(self._keys[0], "otklik:identity of the key")
        return [
            Pseudonyms._of(self._keys[: count + 1]).onward(first, 1)[:16] for count in range(len(self._keys))
        ]

    @classmethod
    def _of(cls, keys: Sequence[bytes]) -> Pseudonyms:
        made = cls.__new__(cls)
        made._keys = list(keys)
        return made

    def teach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let SQL of this connection say `keyed('namespace:' || id)` as `author_key` does.

        The padded keys of HMAC-SHA256, sha256(outer + sha256(inner + message)), are variables of the
        connection: as secret as the keys, and never part of a statement's text.
        """
        for place, key in enumerate(self._keys):
            for name, pad in zip(("inner", "outer"), _pads(key), strict=True):
                connection.execute(
                    f"SET VARIABLE {name}_pad_{place} = (SELECT $pad::BLOB)",
                    {"pad": pad},
                )
        keyed = _sql_digest("message", 0)
        for place in range(1, len(self._keys)):
            keyed = _sql_digest(f"'rekey:' || {keyed}", place)
        connection.execute(f"CREATE OR REPLACE TEMP MACRO keyed(message) AS {keyed}")

    def unteach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take the keys away from the connection."""
        for place in range(len(self._keys)):
            connection.execute(f"RESET VARIABLE inner_pad_{place}")
            connection.execute(f"RESET VARIABLE outer_pad_{place}")


def _digest(key: bytes, message: str) -> str:
    return hmac.digest(key, message.encode(), "sha256").hex()[:32]


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded key of HMAC-SHA256."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)


def _sql_digest(message: str, place: int) -> str:
    inner = f"sha256(getvariable('inner_pad_{place}') || encode({message}))"
    return f"left(sha256(getvariable('outer_pad_{place}') || unhex({inner})), 32)"
