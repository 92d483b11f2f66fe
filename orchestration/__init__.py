"""Dagster: decides when; holds no business logic."""

import gc

# Definitions and dbt's manifest are a million objects that live as long as their process. To look through
# them after every 700 new ones cost a run a tenth of its time.
gc.set_threshold(100_000, 50, 100)
