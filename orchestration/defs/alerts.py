"""What a failure says: one plain line."""

from contextlib import suppress

import dagster as dg

from ingestion.config import load_settings
from ingestion.errors import ConfigError
from ingestion.events import event_log


@dg.failure_hook
def say_what_failed(context: dg.HookContext) -> None:
    """Log one sentence: which step failed and why, with the innermost reason."""
    reason: BaseException | None = context.op_exception
    while reason is not None and reason.__cause__ is not None:
        reason = reason.__cause__
    words = " ".join(str(reason).split())[:500] if reason else "no reason was given"
    context.log.error(f"The step {context.op.name} of run {context.run_id} failed: {words}")
    with suppress(ConfigError):  # which may be why it failed
        log = event_log(load_settings().data, run=context.run_id)
        log.error("step failed", step=context.op.name, said=words)
