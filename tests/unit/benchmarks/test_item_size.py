"""The examples are those of DynamoDB's documentation or follow its rules by hand."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.item_size import Value, item_size_bytes, value_size_bytes, write_units


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        ({"S": ""}, 0),
        ({"S": "héllo"}, 6),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "1790000000"}, 3),
        ({"N": "-27"}, 3),
        ({"N": "0.0123"}, 3),
        ({"N": "1.5E+10"}, 2),
        ({"B": base64.b64encode(b"abcd").decode()}, 4),
        ({"B": b"abcd"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "cde"]}, 5),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"BOOL": True}]}, 8),
        ({"M": {"k": {"S": "ab"}}}, 7),
    ],
)
def test_a_value_is_as_large_as_documented(value: Value, size_bytes: int) -> None:
    assert value_size_bytes(value) == size_bytes


def test_an_item_is_its_names_and_values() -> None:
    assert item_size_bytes({"id": {"S": "abc"}, "héé": {"N": "12"}}) == 2 + 3 + 5 + 2


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="no type 'X'"):
        value_size_bytes({"X": "?"})


@pytest.mark.parametrize(
    ("size_bytes", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (2048, 2), (409_600, 400)]
)
def test_a_unit_is_each_kibibyte_begun(size_bytes: int, units: int) -> None:
    assert write_units(size_bytes) == units


@given(st.binary())
def test_binary_weighs_the_same_in_requests_and_responses(content: bytes) -> None:
    in_request = {"B": base64.b64encode(content).decode()}
    assert value_size_bytes(in_request) == value_size_bytes({"B": content}) == len(content)
