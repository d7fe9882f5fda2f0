"""Which results are as expected: what passes with a stock worker on Redis is to pass here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.celery_suite.record import NO_TIME
from tests.celery_suite.results import FAILED, PASSED, SKIPPED, XFAILED, Result


def judged(
    results: Sequence[Result], stock: Sequence[Result], exceptions: Mapping[str, str]
) -> list[Result]:
    """Return the results, in which `failed` is only what was expected to pass.

    Else a failure is `xfailed`: that of a test that does not pass with the stock worker either, or
    of a named exception. A test that is to pass and for which there was no time has failed.
    """
    expected = {result.test for result in stock if result.outcome == PASSED} - exceptions.keys()
    return [_judged(result, is_expected=result.test in expected) for result in results]


def _judged(result: Result, *, is_expected: bool) -> Result:
    if is_expected and result.outcome == SKIPPED and result.reason == NO_TIME:
        return replace(result, outcome=FAILED)
    if not is_expected and result.outcome == FAILED:
        return replace(result, outcome=XFAILED)
    return result
