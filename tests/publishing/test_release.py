"""What stands in the folder of releases."""

from pathlib import Path

from publishing.release import Shelf, point_current, write_manifest


def test_a_release_that_is_pointed_at_again_leaves_nothing_behind(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    told = shelf.releases / "r1" / "marts" / "restatements.parquet"
    told.parent.mkdir(parents=True)
    told.write_bytes(b"restatements")
    write_manifest(shelf.releases / "r1", {"id": "r1"})
    for _ in range(2):
        point_current(shelf, "r1")
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "current",
            "releases",
            "restatements.parquet",
        ]
    assert shelf.ledger.read_bytes() == b"restatements"
