"""The page that the benchmarks write: each limit beside the value measured, pass or miss."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Rule = Literal["at most", "exactly"]


@dataclass(frozen=True)
class Check:
    """One limit and what was measured against it.

    Args:
        what: the quantity, as the reader knows it.
        measured: the value, in `unit`.
        limit: the value that must be kept, in `unit`.
        unit: `ms`, `MB`, `write units`, `x`, ...
        rule: how `measured` must relate to `limit`.
    """

    what: str
    measured: float
    limit: float
    unit: str
    rule: Rule = "at most"

    @property
    def passed(self) -> bool:
        """Whether the limit was kept."""
        if self.rule == "exactly":
            return self.measured == self.limit
        return self.measured <= self.limit


@dataclass(frozen=True)
class Section:
    """One measurement.

    Args:
        title: what was measured.
        checks: the limits and the values measured against them.
        values: what stands behind them, by name.
        method: how it was measured.
        problem: why it could not be measured; there are no checks then.
    """

    title: str
    checks: Sequence[Check] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    problem: str = ""

    @property
    def missed(self) -> list[str]:
        """What was not kept; a measurement that could not be taken is not kept either."""
        if self.problem:
            return [f"{self.title} (not measured)"]
        return [check.what for check in self.checks if not check.passed]


def number(value: float) -> str:
    """Counts whole; other numbers with three significant digits and no exponent: 1.00, 0.0123."""
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def render(title: str, sections: Sequence[Section], machine: Mapping[str, str]) -> str:
    """The whole page, as Markdown."""
    kept = sum(check.passed for section in sections for check in section.checks)
    missed = [what for section in sections for what in section.missed]
    parts = [
        f"# {title}",
        "",
        "Written by the command below; no number here is typed by hand.",
        "",
        _table(["", ""], [[key, value] for key, value in machine.items()]),
        "",
        f"{kept} of {kept + len(missed)} limits kept."
        + (f" Missed: {'; '.join(missed)}." if missed else ""),
    ]
    for section in sections:
        parts += ["", *_section(section)]
    return "\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    if section.problem:
        return [f"## {section.title}", "", f"Not measured: {section.problem}"]
    rows = [_row(check) for check in section.checks]
    lines = [f"## {section.title}", "", _table(["", "measured", "limit", ""], rows)]
    if section.values:
        behind = [[what, value] for what, value in section.values.items()]
        lines += ["", _table(["behind it", "value"], behind)]
    if section.method:
        lines += ["", section.method]
    return lines


def _row(check: Check) -> list[str]:
    limit = f"{check.rule} {number(check.limit)} {check.unit}"
    return [check.what, _measured(check), limit, "pass" if check.passed else "**miss**"]


def _measured(check: Check) -> str:
    """As short as `number`, unless that would round a miss into its limit."""
    text = number(check.measured)
    if text == number(check.limit) and not check.passed:
        text = repr(check.measured)
    return f"{text} {check.unit}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
