"""What we install may be used and passed on, and docs/licences.md says under which licences."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.licences import installed, is_allowed

PAGE = Path(__file__).parents[2] / "docs" / "licences.md"


def test_every_distribution_has_an_allowed_licence_and_is_listed() -> None:
    found = installed()
    assert len(found) > 100
    assert {name: licence for name, licence in found.items() if not is_allowed(licence)} == {}
    listed = PAGE.read_text("utf-8")
    assert [name for name in found if f" {name}," not in listed and f" {name} |" not in listed] == []


@pytest.mark.parametrize(
    ("licence", "is_good"),
    [
        ("MIT", True),
        ("Apache-2.0 AND MIT", True),
        ("Artistic License; GNU General Public License (GPL)", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-3.0-or-later", False),
        ("AGPL-3.0", False),
        ("MIT AND GPL-2.0", False),
        ("SSPL-1.0", False),
        ("BUSL-1.1", False),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_the_list_of_allowed_licences_refuses(licence: str, is_good: bool) -> None:
    assert is_allowed(licence) is is_good
