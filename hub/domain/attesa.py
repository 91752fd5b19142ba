"""How long a message waits before it is tried or asked about again.

Source: node, timeouts, retries, backoff (2.0.5): the faster alternative for the question, with a few seconds in front
because a payer is looking at the page.
"""

from __future__ import annotations

from datetime import timedelta

# Seconds before the n-th further attempt at something that surely was not processed.
_RIPROVA_S = (1, 2, 5, 10, 30, 60, 120, 300, 600)
# Seconds before the n-th question about an unknown outcome.
_CHIEDI_S = (1, 2, 5, 10, 30, 120, 600, 1800, 3600)


def before_retry(attempts: int) -> timedelta:
    return _wait(_RIPROVA_S, attempts)


def before_question(attempts: int) -> timedelta:
    return _wait(_CHIEDI_S, attempts)


def _wait(steps: tuple[int, ...], attempts: int) -> timedelta:
    return timedelta(seconds=steps[min(max(attempts, 1), len(steps)) - 1])
