"""Labels in the street: asked for, told by a list of words, by a model; and what they may not move."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ingestion.config import load_settings
from ingestion.erasing import Request
from ingestion.privacy import mask
from orchestration.cli import app
from orchestration.dbt_process import environment
from orchestration.erase import erase_everywhere
from orchestration.label_messages import tables_of_messages
from orchestration.rotate import rotate
from orchestration.street import Outcome, Wish, run_street
from orchestration.upkeep import backup, rebuild, restore
from sandbox.kit import launch
from sandbox.scenario import load_scenario
from sandbox.world import World
from tests.street.conftest import Deployment

pytestmark = pytest.mark.scenario
NEXT_KEY = "3b5ea9c2f178dd446382be591d0af7c252b84e9c7a3f0d6d"
SCENARIO = Path(__file__).with_name("labels.yaml")
COLUMNS = (
    *("needs_answer", "tone", "label_version", "label_confidence"),
    *("kind_from_label", "topic_from_label", "territory_from_label"),
)


class Labelled(Deployment):
    """A deployment without Viber, whose region can ask for labels."""

    def run(self, **wish: Any) -> Outcome:
        outcome = run_street(load_settings(), Wish(**wish))
        assert outcome.failures == []
        return outcome

    def ask_for_labels(self, threshold: float, more: str = "") -> None:
        """Write the key into the region's file; `more` are further wishes, as YAML."""
        path = self.data / "sandbox" / "regions" / "labels.yaml"
        text = re.sub(r"\nlabels: .*", "", path.read_text("utf-8").rstrip())
        path.write_text(f"{text}\nlabels: {{threshold: {threshold}{more}}}\n", "utf-8")

    def labels_load(self) -> tuple[int, int, int] | None:
        """Received, landed and unchanged of the newest load of labels; None before the first."""
        found = self.warehouse(
            "select received, landed, skipped_unchanged from raw.loads where source = 'labels' "
            "order by load_seq desc limit 1"
        )
        return found[0] if found else None

    def right(self) -> tuple[float, float]:
        """Of the networks' appeals: the share that has a topic group, and of these the share told right."""
        world = World.of(load_scenario(SCENARIO))
        truth: dict[str, str] = {}
        for row in range(len(world.population)):
            truth[mask(world.complaint(row))] = world.group_id(row)
        said = dict(
            found
            for messages in tables_of_messages()
            if messages.source in ("vk", "telegram")
            for found in self.warehouse(
                f"select md5(region_id || '|' || {messages.ref}), text from raw.{messages.table.name}"
            )
        )
        told = self.query(
            "select appeal_id, topic_group from facts.fct_appeals where source <> 'pos' and is_countable"
        )
        known = [(truth[said[one]], group) for one, group in told if said[one] in truth]
        assert len(known) > 0.95 * len(told)
        sure = [(expected, group) for expected, group in known if group is not None]
        return len(sure) / len(known), sum(a == b for a, b in sure) / max(len(sure), 1)

    def reasons(self) -> dict[str, set[str]]:
        """Reasons of restatements by the release that was replaced."""
        found: dict[str, set[str]] = {}
        for replaced, reason in self.query(
            "select distinct replaced_release, reason from marts.restatements"
        ):
            found.setdefault(replaced, set()).add(reason)
        return found


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    data = tmp_path_factory.mktemp("labels")
    with environment(OTKLIK_DATA=str(data), OTKLIK_LANG="en"), launch(SCENARIO, data) as sandbox:
        deployed = Labelled(data, sandbox)
        deployed.first = deployed.run()
        yield deployed


def test_labels_are_told_of_what_came_and_move_figures_openly(deployment: Labelled, tmp_path: Path) -> None:
    # Off: nothing is labelled, and what labels would fill is empty.
    assert deployment.labels_load() is None
    empty = ", ".join(f"count({column})" for column in COLUMNS)
    assert deployment.query(f"select {empty} from facts.fct_appeals") == [(0,) * len(COLUMNS)]
    assert deployment.query("select count(*) from marts.review_queue") == [(0,)]
    assert deployment.right()[0] == 0
    unlabelled = deployment.shelf.current.resolve().name
    own = (
        "select appeal_id, kind, topic_id, territory_id, due_at from facts.fct_appeals "
        "where source = 'pos' order by 1"
    )
    told_by_pos, due = (
        deployment.query(own),
        deployment.query("select appeal_id, due_at from facts.fct_appeals order by 1"),
    )
    scores = deployment.query("select * from marts.territories_monthly order by all")

    # On, with nothing learnt: the list of words.
    deployment.ask_for_labels(0.6)
    deployment.run()
    received, landed, unchanged = deployment.labels_load() or (0, 0, 0)
    assert received == landed > 350
    assert unchanged == 0
    by_words = deployment.shelf.current.resolve().name
    covered, right = deployment.right()
    assert covered > 0.25
    assert right > 0.65
    assert deployment.reasons() == {unlabelled: {"labels"}}
    assert deployment.query(own) == told_by_pos, "what a source says stands"
    assert deployment.query("select appeal_id, due_at from facts.fct_appeals order by 1") == due
    assert deployment.query("select * from marts.territories_monthly order by all") == scores
    waiting = deployment.query("select cast(sum(messages) as integer) from marts.review_queue")
    open_ = deployment.query(
        "select count(*) from facts.fct_appeals where is_countable and label_version is not null "
        "and (kind is null or (needs_answer and topic_group is null))"
    )
    assert waiting == open_
    assert open_ != [(0,)]

    # Nothing came: nothing is loaded, and the release stands.
    files, loads = (
        deployment.files(),
        deployment.warehouse("select count(*) from raw.loads where source = 'labels'"),
    )
    assert not deployment.run().is_new
    assert deployment.warehouse("select count(*) from raw.loads where source = 'labels'") == loads
    assert deployment.changes(files) == []

    # A model: everything is read again, what it takes for the same does not land again.
    done = CliRunner().invoke(app, ["labels", "train", "--region", "labels", "--json"])
    assert done.exit_code == 0, done.output
    deployment.run()
    received, landed, unchanged = deployment.labels_load() or (0, 0, 0)
    assert received == landed + unchanged > 350
    assert landed > 0
    assert unchanged > 0
    covered, right = deployment.right()
    assert covered > 0.85
    assert right > 0.75, "of five groups; chance tells one in five"
    assert deployment.reasons() == {unlabelled: {"labels"}, by_words: {"labels"}}
    assert deployment.query(own) == told_by_pos
    assert deployment.query("select appeal_id, due_at from facts.fct_appeals order by 1") == due
    assert deployment.query("select * from marts.territories_monthly order by all") == scores

    # Built anew, and brought back without what was learnt: the same bytes.
    files = deployment.files()
    deployment.run(full_refresh=True)
    assert deployment.changes(files) == []
    settings = load_settings()
    backup(settings, tmp_path / "copy")
    (settings.data / "labels" / "labels" / "current.json").unlink()
    restore(settings, tmp_path / "copy")
    assert rebuild(settings).failures == []
    assert deployment.changes(files) == []
    assert not deployment.run().is_new, "the model came back with the backup"
    assert deployment.changes(files) == []


def test_answers_are_looked_at_where_the_region_asks_for_it(deployment: Labelled) -> None:
    """After the test above; its labels stay."""
    assert deployment.query("select count(*) from marts.answer_scores") == [(0,)]
    ranks = (
        "select month_start, authority_id, rank, on_time_share from marts.authorities_monthly order by all"
    )
    ranked = deployment.query(ranks)

    deployment.ask_for_labels(0.6, ", answers: true")
    deployment.run()

    answers = (
        "from facts.fct_responses semi join (from facts.fct_appeals where is_countable) using (appeal_id)"
    )
    ((given, sources),) = deployment.warehouse(f"select count(*), count(distinct source) {answers}")
    assert deployment.query("select cast(sum(answers) as integer) from marts.answer_scores") == [(given,)]
    assert sources == 3
    assert deployment.query(ranks) == ranked, "nobody is ranked by words"
    solved = deployment.warehouse(
        "select avg(score) filter (outcome = 'solved'), avg(score) filter (outcome = 'explained') "
        "from facts.int_answer_scores inner join facts.fct_appeals using (appeal_id) where not is_interim"
    )
    assert solved[0][0] > solved[0][1] > 0, "the sandbox's authorities say what they did where they did it"

    loads = "select count(*) from raw.loads where source = 'answers'"
    assert deployment.warehouse(loads) == [(1,)]
    files = deployment.files()
    assert not deployment.run().is_new
    assert deployment.warehouse(loads) == [(1,)], "nothing came"
    deployment.run(full_refresh=True)
    assert deployment.changes(files) == []


def test_who_is_erased_and_what_key_it_is_leaves_other_labels_as_they_are(deployment: Labelled) -> None:
    """After the test above: labels of a model stand."""
    named = "select object_ref from raw.labels where md5(region_id || '|' || object_ref) in ({})"
    ((author,),) = deployment.warehouse(
        "select author_key from facts.fct_appeals where source = 'telegram' and channel = 'bot_telegram' "
        "and topic_from_label group by all order by count(*) desc, author_key limit 1"
    )
    theirs = f"select appeal_id from facts.fct_appeals where author_key = '{author}'"
    gone = {ref for (ref,) in deployment.warehouse(named.format(theirs))}
    before = deployment.shelf.current.resolve().name
    labels = set(deployment.warehouse("select object_ref, label_version, topic_group from raw.labels"))
    assert gone

    done = erase_everywhere(load_settings(), Request(author_key=author))

    assert done.outcome.failures == []
    assert done.erased.rows["labels"] >= len(gone)
    assert deployment.warehouse(
        "select count(*) from raw.answer_features where md5(region_id || '|' || object_ref) not in ("
        "select appeal_id from facts.fct_appeals union select response_id from facts.fct_responses)"
    ) == [(0,)]
    left = set(deployment.warehouse("select object_ref, label_version, topic_group from raw.labels"))
    assert left < labels
    assert not gone & {ref for ref, *_ in left}
    assert deployment.reasons().get(before, {"erasure"}) == {"erasure"}, "no figure moved for another reason"

    figures = (
        "select channel, kind, topic_group, territory_id, count(*) from facts.fct_appeals "
        "group by all order by all"
    )
    kept = deployment.query(figures)
    key = load_settings().hmac_key.get_secret_value()
    with environment(
        OTKLIK_HMAC_OLD_KEYS=key, OTKLIK_HMAC_KEY="3b5ea9c2f178dd446382be591d0af7c252b84e9c7a3f0d6d"
    ):
        _, outcome = rotate(load_settings())
        assert outcome.failures == []
        assert deployment.query(figures) == kept
        assert deployment.warehouse("select count(*) from raw.labels") == [(len(left),)]
        refs = {ref for ref, *_ in left}
        moved = [
            ref for (ref,) in deployment.warehouse("select object_ref from raw.labels") if ref not in refs
        ]
        assert moved
        assert all(ref.startswith(("telegram_message|", "vk_post|")) for ref in moved)
        loads = deployment.warehouse("select count(*) from raw.loads where source = 'labels'")
        assert not deployment.run().is_new, "nobody is labelled twice"
        assert deployment.warehouse("select count(*) from raw.loads where source = 'labels'") == loads
