"""Every query of docs/analyst.md runs on a release and answers."""

from __future__ import annotations

import re
from pathlib import Path

from tests.street.conftest import Deployment

ANALYST = Path(__file__).parents[2] / "docs" / "analyst.md"


def test_every_documented_query_answers(deployment: Deployment) -> None:
    assert deployment.run().failures == []
    queries = re.findall(r"```sql\n(.*?)```", ANALYST.read_text("utf-8"), re.DOTALL)
    assert len(queries) >= 10
    for query in queries:
        assert deployment.query(query), query
