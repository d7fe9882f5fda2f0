"""What a canvas is made of, before it is one: data, of which two apps make the same canvas."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from celery import Celery, chain, chord, group

type Recipe = Step | Chain | Group | Chord | Items


class Does(Enum):
    """What a task does when it runs. All but FAIL return what they were given, and their label."""

    RETURN = "returns"
    FAIL = "fails"
    RETRY = "retries once, and returns"
    GIVE_UP = "retries too often"
    REPLACE = "is replaced"
    SEND = "sends a canvas, and returns"

    @property
    def is_failure(self) -> bool:
        """Whether it fails in the end."""
        return self in (Does.FAIL, Does.GIVE_UP)

    @property
    def has_inside(self) -> bool:
        """Whether there is a canvas inside of it."""
        return self in (Does.REPLACE, Does.SEND)


class _Brief:
    """Prints what of a dataclass is not its default."""

    def __repr__(self) -> str:
        told: Any = [
            f"{one.name}={getattr(self, one.name)!r}"
            for one in fields(self)  # type: ignore[arg-type]
            if getattr(self, one.name) != one.default
        ]
        return f"{type(self).__name__}({', '.join(told)})"

    def _repr_pretty_(self, printer: Any, _is_in_cycle: bool) -> None:
        """Let hypothesis print it so."""
        printer.text(repr(self))


@dataclass(frozen=True, repr=False)
class Step(_Brief):
    """A task. `label`: its number. `inside`: what replaces it, or what it sends.

    `errback`: the task that is called when it fails.
    """

    label: int
    does: Does = Does.RETURN
    is_immutable: bool = False
    link: "Recipe | None" = None
    errback: str | None = None
    inside: "Recipe | None" = None


@dataclass(frozen=True, repr=False)
class Chain(_Brief):
    """One after the other."""

    parts: "tuple[Recipe, ...]"


@dataclass(frozen=True, repr=False)
class Group(_Brief):
    """All at once."""

    parts: "tuple[Recipe, ...]"


@dataclass(frozen=True, repr=False)
class Chord(_Brief):
    """All at once, and one that takes their results."""

    header: "tuple[Recipe, ...]"
    body: "Recipe"


@dataclass(frozen=True, repr=False)
class Items(_Brief):
    """A task called for each of some values. `how`: `map`, `starmap` or `chunks`."""

    label: int
    how: str
    count: int


def signature_of(recipe: Recipe, app: Celery) -> Any:
    """Return the canvas of a recipe, of an app's tasks."""

    def all_of(recipes: tuple[Recipe, ...]) -> list[Any]:
        return [signature_of(one, app) for one in recipes]

    match recipe:
        case Step():
            return _step(recipe, app)
        case Chain(parts):
            return chain(*all_of(parts))
        case Group(parts):
            return group(all_of(parts))
        case Chord(header, body):
            return chord(all_of(header), signature_of(body, app))
        case Items(label, how, count):
            return _items(app.tasks["item"], label, how, count)


def steps_of(recipe: Recipe | None) -> Iterator[Step]:
    """Yield the tasks of a recipe, and of those inside of it."""
    match recipe:
        case Step(link=link, inside=inside):
            yield recipe
            yield from steps_of(link)
            yield from steps_of(inside)
        case Chain(parts) | Group(parts):
            for part in parts:
                yield from steps_of(part)
        case Chord(header, body):
            for part in (*header, body):
                yield from steps_of(part)


def _step(step: Step, app: Celery) -> Any:
    signature = app.tasks["step"].s(label=step.label).set(immutable=step.is_immutable)
    if step.link:
        signature.link(signature_of(step.link, app))
    if step.errback:
        signature.link_error(app.tasks[step.errback].s(label=step.label))
    return signature


def _items(task: Any, label: int, how: str, count: int) -> Any:
    values = [[label, number] for number in range(count)]
    match how:
        case "map":
            return task.map(values)
        case "starmap":
            return task.starmap([[value] for value in values])
        case _:
            return task.chunks([[value] for value in values], 2).group()
