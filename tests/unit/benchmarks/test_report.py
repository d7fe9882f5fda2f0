"""The page says honestly what was kept and what was missed."""

import pytest

from tests.benchmarks.report import Check, Section, number, render


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        (Check("a", 1.0, 1.0, "x"), True),
        (Check("a", 1.001, 1.0, "x"), False),
        (Check("a", 1.0, 1.0, "x", "exactly"), True),
        (Check("a", 0.999, 1.0, "x", "exactly"), False),
    ],
)
def test_a_limit_is_kept_or_missed(check: Check, passed: bool) -> None:
    assert check.passed is passed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (3, "3"), (1045, "1,045")),
        *((0.0, "0"), (1.0, "1.00"), (1.104, "1.10"), (0.01234, "0.0123"), (-0.5, "-0.500")),
        *((42.42, "42.4"), (312.4, "312")),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_the_page_shows_each_limit_beside_its_value() -> None:
    kept, missed = Check("units", 1.0, 1.0, "WCU", "exactly"), Check("CPU", 1.3, 1.1, "x")
    page = render(
        "Benchmarks", [Section("Writes", [kept, missed], {"items": "7"}, "How.")], {"Date": "today"}
    )
    assert "| units | 1.00 WCU | exactly 1.00 WCU | pass |" in page
    assert "| CPU | 1.30 x | at most 1.10 x | **miss** |" in page
    assert "1 of 2 limits kept. Missed: CPU." in page
    assert "| items | 7 |" in page


def test_a_measurement_that_failed_says_why_and_counts_as_missed() -> None:
    section = Section("CPU", problem="Redis is missing.")
    assert section.missed == ["CPU (not measured)"]
    page = render("Benchmarks", [section], {})
    assert "Not measured: Redis is missing." in page
    assert "0 of 1 limits kept. Missed: CPU (not measured)." in page


def test_a_measured_value_is_not_rounded_into_its_limit() -> None:
    page = render("Benchmarks", [Section("CPU", [Check("CPU", 1.1004, 1.1, "x")])], {})
    assert "| CPU | 1.1004 x | at most 1.10 x | **miss** |" in page
