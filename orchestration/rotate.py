"""A new key for a deployment: raw under it, everything made of raw built again, one release."""

from __future__ import annotations

import shutil

from ingestion.config import Settings
from ingestion.lock import warehouse_lock
from ingestion.rekey import rekey
from ingestion.traces import drop_working_copies, rewrite_file
from ingestion.warehouse import opened
from orchestration.street import Listener, Outcome, Wish, run_street
from orchestration.upkeep import DERIVED
from publishing.release import Shelf

LOCK_WAIT_SECONDS = 3600


def rotate(settings: Settings, listener: Listener | None = None) -> tuple[int, Outcome]:
    """Bring the deployment under OTKLIK_HMAC_KEY; how many values of raw changed, and the run that published.

    The file is written anew: the hashes under the key before are in none of its bytes.
    """
    with warehouse_lock(settings, "a new key", LOCK_WAIT_SECONDS):
        with opened(settings) as warehouse:
            changed = rekey(warehouse.connection, settings.data, settings.pseudonyms())
            for schema in DERIVED:
                warehouse.connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        rewrite_file(settings.warehouse)
        drop_working_copies(settings.data)
        shutil.rmtree(settings.data / "before-restore", ignore_errors=True)
    manifest = Shelf(settings.data / "published").current_manifest()
    wish = Wish(as_of=manifest["as_of"] if manifest else "", full_refresh=True, reading=False)
    return changed, run_street(settings, wish, listener)
