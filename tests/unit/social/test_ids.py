import pytest
from hypothesis import given
from hypothesis import strategies as st

from social.ids import MAX_USER_ID_LENGTH, RANDOM_BYTES, InvalidId, check_id, news_id

TIMES = st.integers(0, 2**48 - 1)
CHANCE = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


def test_a_news_id_is_its_time_and_its_chance_in_hex() -> None:
    assert news_id(255, bytes(range(10))) == "0000000000ff" + "00010203040506070809"


@given(TIMES, CHANCE, TIMES, CHANCE)
def test_the_order_of_news_ids_is_the_order_of_their_times(
    first_ms: int, first: bytes, second_ms: int, second: bytes
) -> None:
    ids = news_id(first_ms, first), news_id(second_ms, second)

    if first_ms != second_ms:
        assert (ids[0] < ids[1]) == (first_ms < second_ms)
    assert (ids[0] == ids[1]) == ((first_ms, first) == (second_ms, second))


@given(TIMES, CHANCE)
def test_a_news_id_is_a_valid_id(now_ms: int, random: bytes) -> None:
    made = news_id(now_ms, random)

    assert check_id(made, "news_id") == made


@pytest.mark.parametrize(
    ("now_ms", "random"), [(-1, bytes(10)), (2**48, bytes(10)), (0, bytes(9)), (0, b"")]
)
def test_a_news_id_of_other_sizes_is_refused(now_ms: int, random: bytes) -> None:
    with pytest.raises(ValueError, match="48 bits and 10 random bytes"):
        news_id(now_ms, random)


@pytest.mark.parametrize("value", ["80", "a", "A.b_c~d-9", "x" * MAX_USER_ID_LENGTH])
def test_valid_ids(value: str) -> None:
    assert check_id(value, "user_id") == value


@pytest.mark.parametrize(
    "value",
    ["", ".", "..", "-x", "~x", "_x", "a/b", "a b", "a\n", "é", "a:b", "x" * 129, "x" * 10_000],
)
def test_invalid_ids_are_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidId, match="friend_id must be 1 to 128 characters") as caught:
        check_id(value, "friend_id")

    assert caught.value.name == "friend_id"


@pytest.mark.parametrize("value", [80, None, True, ["a"], b"a"])
def test_what_is_no_text_is_no_id(value: object) -> None:
    with pytest.raises(InvalidId):
        check_id(value, "user_id")
