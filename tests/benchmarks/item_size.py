"""How large an item is, and what writing it costs, by DynamoDB's documented rules.

Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import math
from collections.abc import Mapping
from typing import Any

type Value = Mapping[str, Any]
type Item = Mapping[str, Value]

_BYTES_PER_WRITE_UNIT = 1024
_BYTES_PER_READ_UNIT = 4096
_CONTAINER_BYTES = 3


def item_size_bytes(item: Item) -> int:
    """The bytes of an item in DynamoDB's JSON: names and values."""
    return sum(len(name.encode()) + value_size_bytes(value) for name, value in item.items())


def write_units(size_bytes: int) -> int:
    """The write units of one plain write: one for each KiB begun, and never less than one."""
    return max(1, math.ceil(size_bytes / _BYTES_PER_WRITE_UNIT))


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """The read units of one read: one for each 4 KiB begun, half if it may be a little old."""
    units = max(1, math.ceil(size_bytes / _BYTES_PER_READ_UNIT))
    return units if consistent else units / 2


def value_size_bytes(value: Value) -> int:
    """The bytes of one typed value, `{"S": "text"}`; binary as bytes or as base64 text."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "B":
            return _binary_bytes(content)
        case "BOOL" | "NULL":
            return 1
        case "SS" | "NS" | "BS":
            return sum(value_size_bytes({kind[0]: element}) for element in content)
        case "L":
            return _CONTAINER_BYTES + sum(1 + value_size_bytes(element) for element in content)
        case "M":
            return _CONTAINER_BYTES + len(content) + item_size_bytes(content)
    raise ValueError(f"DynamoDB has no type {kind!r}.")


def _number_bytes(text: str) -> int:
    """One byte for each two significant digits, one more, and one for a minus sign."""
    mantissa = text.lstrip("+-").lower().partition("e")[0]
    digits = mantissa.replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + text.startswith("-")


def _binary_bytes(content: bytes | str) -> int:
    """A request carries base64 text, a response of boto3 the bytes."""
    if isinstance(content, bytes):
        return len(content)
    return len(content) // 4 * 3 - content.count("=")
