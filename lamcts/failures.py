"""When a run is plainly broken, and what to say then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lamcts.config import RunConfig
from lamcts.history import Trial, TrialState

__all__ = ["failing", "first_failure"]

_FAILURES = (TrialState.FAILED, TrialState.TIMEOUT, TrialState.LOST)
#: Trials before a run is judged by its share of failures.
_SAMPLE = 10


def failing(counts: Mapping[TrialState, int], config: RunConfig) -> bool:
    """Whether so many trials failed that going on is pointless (see ``max_failures``)."""
    failed = sum(counts[state] for state in _FAILURES)
    if isinstance(config.max_failures, int):
        return failed > config.max_failures
    judged = failed + counts[TrialState.COMPLETE] + counts[TrialState.PRUNED]
    share = 1.0 if config.max_failures is None else config.max_failures
    return judged >= min(_SAMPLE, config.budget) and failed >= share * judged


def first_failure(trials: Sequence[Trial]) -> str:
    """How many trials failed, and the first of them with its point and its error."""
    failed = [trial for trial in trials if trial.state in _FAILURES]
    first = failed[0]
    return (
        f"{len(failed)} of {len(trials)} trials failed; "
        f"the first, trial {first.number} at x={first.x}, with:\n{first.error}"
    )
