"""Break the SQL on purpose, one place at a time, in a copy of the project, and see which test notices.

    .venv/bin/python -m tests.mutations            # all of them, a quarter of an hour on two idle cores
    .venv/bin/python -m tests.mutations suppression # those whose name holds the word

Ends with 1 when a mutation survives. The record of the last run stands in docs/testing.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "dbt_project",
    "tests",
    "ingestion",
    "quality",
    "publishing",
    "orchestration",
    "sandbox",
    "pyproject.toml",
)


@dataclass(frozen=True)
class Mutation:
    """An edit of one file that must make one test fail."""

    name: str
    file: str
    before: str
    after: str
    test: str


MUTATIONS = (
    Mutation(
        "an open appeal inside its deadline is judged",
        "dbt_project/macros/marts.sql",
        "or {{ of }}due_at < {{ as_of() }}))",
        "or {{ of }}due_at is not null))",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "Kaplan–Meier counts those at risk from the wrong end",
        "dbt_project/macros/statistics.sql",
        "order by watched desc rows between",
        "order by watched rows between",
        "tests/dbt/test_statistics.py",
    ),
    Mutation(
        "suppression hides small counts alone",
        "dbt_project/macros/demographics.sql",
        "and (place <= 2 or appeals_of_smaller < {{ suppression_minimum() }})",
        "and false",
        "tests/dbt/test_suppression.py::test_no_small_count_can_be_solved_for",
    ),
    Mutation(
        "suppression of years forgets what the months tell",
        "dbt_project/models/marts/demographics_yearly.sql",
        "or slack.age_group is not null as is_suppressed",
        "as is_suppressed",
        "tests/dbt/test_suppression.py::test_no_small_count_can_be_solved_for",
    ),
    Mutation(
        "a chance of one in a hundred is alarming",
        "dbt_project/macros/signals.sql",
        "chance < 0.0001",
        "chance < 0.01",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "waiting alone touches no month",
        "dbt_project/models/facts/sums/int_response_times_monthly.sql",
        "slice_open=true",
        "slice_open=false",
        "tests/dbt/test_periods.py::test_waiting_moves_a_month_that_nothing_else_touches",
    ),
    Mutation(
        "a month does not touch the one that quotes it",
        "dbt_project/models/marts/topics_monthly.sql",
        "slice_reach=1",
        "slice_reach=0",
        "tests/dbt/test_periods.py::test_a_late_answer_moves_its_month_its_year_and_the_month_after",
    ),
    Mutation(
        "an overdue appeal stays overdue after its answer",
        "dbt_project/models/facts/sums/int_backlog_flows.sql",
        "-1 as became_overdue",
        "0 as became_overdue",
        "tests/dbt/test_periods.py::test_the_backlog_adds_up_every_day_and_ends_with_what_is_open",
    ),
    Mutation(
        "ten equal answers are no template yet",
        "dbt_project/macros/scorecards.sql",
        "having count(distinct appeal_id) >=",
        "having count(distinct appeal_id) >",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "work goes on after hours",
        "dbt_project/macros/facts.sql",
        "    {{ calendar }}.working_seconds\n  ))",
        "    {{ calendar }}.working_seconds + 60\n  ))",
        "tests/dbt/test_clock.py",
    ),
    Mutation(
        "the publish step tells only figures that fell",
        "quality/closed_months.py",
        "past.figure is distinct from now.figure",
        "past.figure > now.figure",
        "tests/dbt/test_restatements.py::test_a_closed_month_changes_only_with_a_row",
    ),
    Mutation(
        "an appeal is counted on its day in UTC",
        "dbt_project/models/facts/int_appeals_clocked.sql",
        "cast(labelled.registered_local as date) as local_date",
        "cast(labelled.registered_at as date) as local_date",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "an incident that is answered but open is settled",
        "dbt_project/models/facts/sums/int_appeals_daily.sql",
        "when channels.tells_closing then",
        "when false then",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "pages are summed although one region could not tell",
        "dbt_project/models/facts/int_review_figures.sql",
        "or count(*) = (select count(distinct periods.region_id) from periods)",
        "or true",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "too few appeals can be red",
        "dbt_project/macros/marts.sql",
        "when {{ appeals }} < greatest({{ rule }}.heat_minimum, 1) then 'green'",
        "when false then 'green'",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "a handful of judged appeals has a rank",
        "dbt_project/macros/scorecards.sql",
        "judged_appeals >= {{ rank_minimum() }} as is_rankable",
        "judged_appeals >= 1 as is_rankable",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "a topic changed at any time was changed late",
        "dbt_project/macros/scorecards.sql",
        "10 * {{ seconds_between('touched.topic_changed_at'",
        "{{ seconds_between('touched.topic_changed_at'",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "a message a day later than a month still repeats",
        "dbt_project/models/facts/sums/int_repeats.sql",
        "{{ add_days('day_before', 31) }} >= local_date",
        "{{ add_days('day_before', 32) }} >= local_date",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "the day of a decision comes before it",
        "dbt_project/models/marts/decision_effects.sql",
        "cube.local_date < watched.held_on then cube.appeals else 0",
        "cube.local_date <= watched.held_on then cube.appeals else 0",
        "tests/dbt/test_unit_tests.py",
    ),
    Mutation(
        "Wilson's interval forgets how few were asked",
        "dbt_project/macros/statistics.sql",
        "+ {{ z95() }} * {{ z95() }} / (4.0 *",
        "+ 0 * {{ z95() }} / (4.0 *",
        "tests/dbt/test_statistics.py",
    ),
)


def survives(mutation: Mutation, copy: Path) -> tuple[bool, str]:
    """Whether the named test still passes on the broken copy, and its last words."""
    path = copy / mutation.file
    text = path.read_text("utf-8")
    if text.count(mutation.before) != 1:
        raise SystemExit(f"{mutation.file} does not hold {mutation.before!r} once: adapt the mutation.")
    path.write_text(text.replace(mutation.before, mutation.after), "utf-8")
    try:
        done = subprocess.run(
            [str(ROOT / ".venv/bin/pytest"), mutation.test, "-q", "-x", "-p", "no:xdist", "--tb=line"],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(text, "utf-8")
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    # 1: tests failed; anything else means that they could not be run, which proves nothing
    if done.returncode not in (0, 1):
        raise SystemExit(f"{mutation.test} could not be run: {done.stdout[-2000:]}{done.stderr[-500:]}")
    return done.returncode == 0, failed[0].partition(" - ")[0].partition(" ")[2] if failed else ""


def main(words: list[str]) -> int:
    """Run the mutations whose name holds all words; print a table for docs/testing.md."""
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
                shutil.copytree(source, copy / name, ignore=ignored)
            else:
                shutil.copy(source, copy / name)
        print("| broken on purpose | where | caught by |\n|---|---|---|", flush=True)
        for mutation in MUTATIONS:
            if not all(word in mutation.name for word in words):
                continue
            alive, test = survives(mutation, copy)
            survivors += alive
            caught = "**survived**" if alive else f"`{test.removeprefix('tests/dbt/')}`"
            print(f"| {mutation.name} | `{Path(mutation.file).name}` | {caught} |", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
