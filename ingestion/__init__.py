"""The outside world → `raw.*`: pure dlt, no orchestration. Run it with `python -m ingestion`."""
