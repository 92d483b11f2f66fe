"""The outside world to raw tables: pure dlt, no Dagster."""
