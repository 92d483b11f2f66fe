"""`python -m orchestration.check`: the definitions load and every job resolves. Part of `make check`."""

from __future__ import annotations

import sys


def main() -> int:
    """Print what was found; returns 0, or raises what Dagster has to say."""
    from orchestration.definitions import defs

    repository = defs.get_repository_def()
    jobs = [job.name for job in repository.get_all_jobs() if not job.name.startswith("__")]
    assets = len(list(defs.resolve_all_asset_specs()))
    sys.stdout.write(f"{assets} assets, jobs {', '.join(sorted(jobs))}: the definitions load.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
