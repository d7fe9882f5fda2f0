"""The page that the benchmarks write: each limit beside the value measured, pass or miss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Rule = Literal["at most", "exactly"]


@dataclass(frozen=True)
class Check:
    """One limit and what was measured against it.

    Args:
        what: the quantity, as the reader knows it.
        measured: the value, in `unit`; None when it could not be measured.
        limit: the value that must be kept, in `unit`.
        unit: `ms`, `MB`, `write units`, `x`, ...
        rule: how `measured` must relate to `limit`.
    """

    what: str
    measured: float | None
    limit: float
    unit: str
    rule: Rule = "at most"

    @property
    def passed(self) -> bool:
        """False too when nothing was measured: an unmeasured limit is not a kept one."""
        if self.measured is None:
            return False
        if self.rule == "exactly":
            return self.measured == self.limit
        return self.measured <= self.limit


@dataclass(frozen=True)
class Section:
    """One measurement: its limits, then the values behind them, then how they were taken."""

    title: str
    checks: Sequence[Check]
    values: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    problem: str = ""


def number(value: float) -> str:
    """Three significant digits, and no exponent: 1.00, 0.0123, 42.5, 1045."""
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) >= 10:
        return f"{int(value)}"
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:.0f}"
    if magnitude >= 10:
        return f"{value:.1f}"
    if magnitude >= 1:
        return f"{value:.2f}"
    return f"{value:.3g}"


def render(sections: Sequence[Section], machine: Mapping[str, str]) -> str:
    """The whole page, as Markdown."""
    checks = [check for section in sections for check in section.checks]
    missed = [check for check in checks if not check.passed]
    parts = [
        "# Benchmarks",
        "",
        "Written by `make bench`; no number here is typed by hand.",
        "",
        _table(["", ""], [[key, value] for key, value in machine.items()]),
        "",
        f"{len(checks) - len(missed)} of {len(checks)} limits kept."
        + (f" Missed: {'; '.join(check.what for check in missed)}." if missed else ""),
    ]
    for section in sections:
        parts += ["", *_section(section)]
    return "\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    lines = [f"## {section.title}", ""]
    if section.problem:
        lines += [f"Not measured: {section.problem}", ""]
    lines.append(_table(["", "measured", "limit", ""], [_row(check) for check in section.checks]))
    if section.values:
        rows = [[what, value] for what, value in section.values.items()]
        lines += ["", _table(["behind it", "value"], rows)]
    if section.method:
        lines += ["", section.method]
    return lines


def _row(check: Check) -> list[str]:
    limit = f"{check.rule} {number(check.limit)} {check.unit}"
    return [check.what, _measured(check), limit, "pass" if check.passed else "**miss**"]


def _measured(check: Check) -> str:
    """As short as `number`, unless that would round a miss into its limit."""
    if check.measured is None:
        return "not measured"
    text = number(check.measured)
    if text == number(check.limit) and not check.passed:
        text = repr(check.measured)
    return f"{text} {check.unit}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
