"""Calls of a deployed stack's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from tools.errors import ToolError
from tools.local.deployed import Stack

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """An answer of the API; `body` is the JSON value, None where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Any

    def expect(self, status: int) -> Any:
        """The body of an answer that has this status.

        Raises:
            ToolError: it has another.
        """
        if self.status != status:
            raise ToolError(f"the API answered {self.status} where {status} was due: {self.body}")
        return self.body


@dataclass(frozen=True)
class Rest:
    """An API and the key that it is called with; None is none."""

    url: str
    key: str | None

    @classmethod
    def of(cls, stack: Stack) -> Rest:
        """The API of a stack, with its key."""
        return cls(stack.api_url, stack.api_key)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request, with `body` as JSON; bytes go as they are.

        Raises:
            ToolError: there was no answer.
        """
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        try:
            answer = requests.request(
                method,
                self.url + path,
                **content,
                headers=self._headers(headers),
                timeout=TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            raise ToolError(f"the API at {self.url} did not answer: {error}") from error
        return _read(answer)

    def get(self, path: str) -> Answer:
        """Read `path`."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """Post `body`; a header `Idempotency-Key` is the argument `idempotency_key`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("POST", path, body, named)

    def put(self, path: str) -> Answer:
        """Put `path`, without a body."""
        return self.call("PUT", path)

    def delete(self, path: str) -> Answer:
        """Delete `path`."""
        return self.call("DELETE", path)

    def _headers(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        key = {} if self.key is None else {"x-api-key": self.key}
        return {"Content-Type": "application/json", **key, **(headers or {})}


def _read(answer: requests.Response) -> Answer:
    try:
        body = answer.json() if answer.content else None
    except ValueError:
        body = answer.text
    return Answer(answer.status_code, answer.headers, body)
