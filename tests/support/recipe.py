"""Does to a project what a page of its documentation says: pure text, but for the files.

A code block belongs to the file that the paragraph above names last. A diff's hunks, which begin
with `@@`, apply wherever their lines stand; what stands `before` a line is inserted there; all else
is added at the end of the file, which may be new.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"`([\w./-]+/[\w.-]+|[\w-]+\.(?:yaml|toml))`")
_BEFORE = re.compile(r"before `([^`]+)`")
_CALL = re.compile(r"-d '(\{.*?\})' \$api(/\S+)")


@dataclass(frozen=True)
class Step:
    """A code block and what to do with it."""

    path: str
    language: str
    text: str
    before: str | None

    @property
    def added_lines(self) -> int:
        """How many lines a diff adds."""
        return len(re.findall(r"^\+", self.text, re.MULTILINE))

    @property
    def places(self) -> int:
        """How many places a diff changes."""
        return len(re.findall(r"^@@", self.text, re.MULTILINE))

    def apply(self, content: str) -> str:
        """Return the file's content with the block in it."""
        if self.language == "diff":
            return _replaced(content, self.text)
        if self.before:
            return _inserted(content, self.text, self.before)
        if not content:
            return self.text
        gap = "\n\n" if self.language == "python" else "\n"
        return f"{content}{gap}{self.text}"


def steps(page: str) -> list[Step]:
    """Return the page's blocks that change the project, in their order."""
    found: list[Step] = []
    path = before = None
    for paragraph in _paragraphs(page):
        block = re.fullmatch(r"```(\w+)\n(.*?)```", paragraph, re.DOTALL)
        if block is None:
            names = _NAME.findall(paragraph)
            line = _BEFORE.search(paragraph)
            path = names[-1] if names and paragraph.endswith(":") else None
            before = line[1] if line else None
        elif path:
            found.append(Step(path, block[1], block[2], before))
    return found


def calls(page: str) -> list[tuple[str, str]]:
    """Return path and body of each request that the page makes with `curl -d`."""
    return [(path, body) for body, path in _CALL.findall(page)]


def apply(page: str, project: Path) -> None:
    """Change the project as the page says."""
    for step in steps(page):
        path = project / step.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.apply(path.read_text() if path.exists() else ""))


def _paragraphs(page: str) -> list[str]:
    """Split at blank lines, but not within code blocks."""
    parts = re.split(r"(^```\w+\n.*?^```$)", page, flags=re.DOTALL | re.MULTILINE)
    return [
        paragraph.strip("\n")
        for part in parts
        for paragraph in ([part] if part.startswith("```") else re.split(r"\n\s*\n", part))
        if paragraph.strip()
    ]


def _replaced(content: str, diff: str) -> str:
    for hunk in filter(None, re.split(r"^@@.*\n", diff, flags=re.MULTILINE)):
        lines = hunk.splitlines()
        old = "\n".join(line[1:] for line in lines if line[0] in " -")
        new = "\n".join(line[1:] for line in lines if line[0] in " +")
        assert old in content, f"what the page replaces is not there:\n{old}"
        content = content.replace(old, new)
    return content


def _inserted(content: str, text: str, before: str) -> str:
    assert content.count(f"\n{before}\n") == 1, f"there is no line {before!r}"
    return content.replace(f"\n{before}\n", f"\n{text}\n{before}\n")
