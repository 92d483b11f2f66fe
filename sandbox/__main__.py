"""`python -m sandbox serve SCENARIO`: play a scenario on loopback; `python -m sandbox truth SCENARIO`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A pretend region on loopback.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="generate the population, write the kit, start the servers")
    serve.add_argument("scenario", help="name of a scenario, or path of a YAML file (docs/scenarios.md)")
    serve.add_argument("--folder", type=Path, default=Path("data/sandbox"), help="where the kit is written")
    serve.add_argument("--env-file", type=Path, default=Path("data/deployment.env"))
    serve.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    serve.add_argument("--now", help="ISO moment in UTC; the default is the scenario's as_of")
    serve.add_argument(
        "--ready-file", type=Path, help="JSON {port, url, pid}, written when requests are answered"
    )
    serve.add_argument("--with-parent", action="store_true", help="end when the starting process ends")
    say = commands.add_parser("truth", help="print the figures of a scenario as JSON")
    say.add_argument("scenario")
    chosen = parser.parse_args(arguments)

    from sandbox.scenario import ScenarioError

    try:
        if chosen.command == "truth":
            return _truth(chosen.scenario)
        from sandbox.serve import serve_scenario

        return serve_scenario(
            chosen.scenario,
            folder=chosen.folder,
            env_file=chosen.env_file,
            port=chosen.port,
            now=chosen.now,
            ready_file=chosen.ready_file,
            with_parent=chosen.with_parent,
        )
    except ScenarioError as error:
        print(error, file=sys.stderr)
        return 1


def _truth(name: str) -> int:
    from sandbox.country import load_country
    from sandbox.population import populate
    from sandbox.truth import country_truth

    country = load_country(name)
    populations = [populate(region) for region in country.regions]
    said = country_truth(country, populations, country.as_of_seconds)
    print(json.dumps(said, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
