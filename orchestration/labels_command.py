"""`otklik labels`: train models of labels and say how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labels.evaluate import Score
    from orchestration.messages import Language

labels_app = typer.Typer(no_args_is_help=True, help="What messages are about: how well that is told.")


@labels_app.command("evaluate")
def evaluate(
    file: Annotated[Path, typer.Argument(help="CSV with the columns text, topic, topic_group.")],
    cross: Annotated[
        bool, typer.Option("--cross-validate", help="Train and judge on the file alone; so without --model.")
    ] = False,
    folds: Annotated[int, typer.Option(min=2, max=20, help="Parts of the cross-validation.")] = 5,
    model: Annotated[Path | None, typer.Option(help="Judge this stored model on the file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Accuracy, F1, coverage by confidence and confusions on labelled texts. Needs no deployment.

    Example: `otklik labels evaluate appeals.csv --cross-validate`
    """
    from orchestration.cli import _errors, _print_json
    from orchestration.messages import spoken

    # Whoever evaluates may not have a deployment.
    language = spoken()
    with _errors():
        from labels.artefact import load
        from labels.evaluate import cross_validate
        from labels.evaluate import evaluate as judge
        from labels.tables import read_examples
        from orchestration.messages import say

        if cross and model:
            raise typer.BadParameter("--cross-validate trains on the file, --model does not: choose one")
        stored = load(model) if model else None
        examples = read_examples(file)
        if stored:
            scores = judge(stored, examples)
        else:
            scores = cross_validate(
                examples,
                folds,
                lambda part: typer.echo(say(language, "labels_fold", number=part, folds=folds), err=True),
            )
        if as_json:
            _print_json([one.as_dict() for one in scores])
            return
        typer.echo(say(language, "labels_read", file=file.name, texts=len(examples)))
        if stored is None:
            typer.echo(say(language, "labels_crossed", folds=folds))
        _show(scores, language)


@labels_app.command("train")
def train(
    region: Annotated[str, typer.Option(help="Train on this region's labelled appeals.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Train on what ПОС and «Инцидент» have labelled; the new model comes into force if it is not worse.

    Writes <data>/labels/<region>; a region that asks for labels has them told by it from its next run on.

    Example: `otklik labels train --region demo`
    """
    from orchestration.cli import _errors, _print_json, _settings

    with _errors():
        settings = _settings()
        from orchestration.labelling import models_folder, train_region
        from orchestration.messages import say

        done = train_region(settings, region)
        if as_json:
            _print_json(done.as_dict())
            return
        language = settings.lang
        typer.echo(say(language, "labels_learnt", texts=done.learnt_from, held_out=done.held_out))
        for task, accuracy in done.accuracy.items():
            was = f"{done.was[task]:.3f}" if task in done.was else "–"
            typer.echo(say(language, "labels_compared", task=task, accuracy=f"{accuracy:.3f}", was=was))
        key = "labels_promoted" if done.promoted else "labels_kept" if done.candidate else "labels_too_few"
        typer.echo(say(language, key, folder=models_folder(settings, region) / done.label_version))


def _show(scores: Sequence[Score], language: Language) -> None:
    from orchestration.messages import say
    from orchestration.tables import show_rows

    for one in scores:
        typer.echo("")
        figures = {
            "accuracy": f"{one.accuracy:.3f}",
            "weighted": f"{one.weighted_f1:.3f}",
            "macro": f"{one.macro_f1:.3f}",
        }
        typer.echo(
            say(language, "labels_score", task=one.task, texts=one.texts, classes=one.classes, **figures)
        )
        if one.new_accuracy is not None and one.new_texts < one.texts:
            typer.echo(say(language, "labels_new", texts=one.new_texts, accuracy=f"{one.new_accuracy:.3f}"))
        show_rows(
            [say(language, key) for key in ("labels_threshold", "labels_share", "labels_accuracy")],
            [
                [
                    f"{line.threshold:.1f}",
                    f"{line.share:.3f}",
                    "" if line.accuracy is None else f"{line.accuracy:.3f}",
                ]
                for line in one.coverage
            ],
        )
        show_rows(
            [say(language, key) for key in ("labels_truth", "labels_said", "labels_texts")],
            [[line.truth, line.said, line.texts] for line in one.confusions],
        )
