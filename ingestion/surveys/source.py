"""Reads a folder of survey files: each file once, its lines as options of surveys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingestion.folders import NewFiles
from ingestion.run import Batch, Run
from ingestion.spreadsheet import read_sheets
from ingestion.surveys.rows import HEADERS, REQUIRED, SAFE_FIELDS, option_row, surveys_of
from ingestion.tables import Row

PATTERNS = ("*.xlsx", "*.csv")
EXPECTED = "a table of surveys, one line per answer option,"


def read(run: Run) -> Iterator[Batch]:
    """Surveys and options of all new files."""
    source = run.region.sources.surveys
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    files = NewFiles(run, "options", "surveys", "sources.surveys.folder")
    for path in files.of(source.folder, PATTERNS):
        yield from survey_file(run, path)
    files.remember()


def survey_file(run: Run, path: Path) -> Iterator[Batch]:
    """Surveys and options of one file; lines that cannot be used go to quarantine."""
    tally = run.tallies["options"]
    lines: dict[tuple[str | None, ...], tuple[Row, Row]] = {}
    for sheet in read_sheets(path, HEADERS, REQUIRED, EXPECTED):
        tally.unknown_fields.update(sheet.unknown)
        for number, record in sheet.rows():
            tally.received += 1
            try:
                survey, option = option_row(record)
                key = tuple(option[name] for name in ("survey_id", "question_id", "option_id", "territory"))
                if key in lines:
                    raise ValueError("the same option stands twice in the file")
            except ValueError as error:
                detail = f"In this line {error}."
                reference = f"{path.name}:{number}"
                run.quarantine("options", reference, "unusable line", detail, record, SAFE_FIELDS)
                continue
            lines[key] = (survey, option)
    surveys = surveys_of(list(lines.values()))
    run.tallies["surveys"].received += len(surveys)
    yield from run.land("surveys", surveys)
    yield from run.land("options", [option for _, option in lines.values()])
