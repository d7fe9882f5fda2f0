from pathlib import Path

import pytest

from tools.data.edge_list import read_edge_list
from tools.errors import ToolError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "edges.csv"


def refusal(path: Path) -> str:
    with pytest.raises(ToolError) as caught:
        read_edge_list(path)
    return str(caught.value).replace(f"{path}, ", "")


def test_friendships_are_read_in_their_order_more_than_once(path: Path) -> None:
    path.write_text("user_id,friend_id\n0,1\n0,2\n1,0\n")

    edges = read_edge_list(path)

    assert edges.rows == 3
    assert list(edges.edges()) == [("0", "1"), ("0", "2"), ("1", "0")]
    assert list(edges.edges()) == [("0", "1"), ("0", "2"), ("1", "0")]


def test_what_spreadsheets_write_is_read(path: Path) -> None:
    path.write_bytes(b'\xef\xbb\xbfuser_id,friend_id\r\n"0","1"\r\n\r\n0,2\r\n')

    edges = read_edge_list(path)

    assert (edges.rows, list(edges.edges())) == (2, [("0", "1"), ("0", "2")])


def test_a_list_may_be_empty(path: Path) -> None:
    path.write_text("user_id,friend_id\n")

    assert (read_edge_list(path).rows, list(read_edge_list(path).edges())) == (0, [])


def test_the_digest_is_that_of_the_content(path: Path) -> None:
    path.write_text("user_id,friend_id\n0,1\n")
    first = read_edge_list(path).digest

    assert read_edge_list(path).digest == first
    path.write_text("user_id,friend_id\n0,2\n")
    assert read_edge_list(path).digest != first


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "line 1: the header must be user_id,friend_id"),
        ("0,1\n", "line 1: the header must be user_id,friend_id"),
        ("friend_id,user_id\n0,1\n", "line 1: the header must be user_id,friend_id"),
        ("user_id,friend_id\n0,1\n0\n", "line 3: there must be 2 columns, and there are 1"),
        ("user_id,friend_id\n0,1,2\n", "line 2: there must be 2 columns, and there are 3"),
        ("user_id,friend_id\n0,1\n,2\n", "line 3, column user_id: must be 1 to 128 characters"),
        ("user_id,friend_id\n0,a b\n", "line 2, column friend_id: must be 1 to 128 characters"),
        ("user_id,friend_id\n0," + "x" * 129 + "\n", "line 2, column friend_id: must be 1 to 128"),
        ("user_id,friend_id\n0,1\n7,7\n", "line 3, column friend_id: nobody is their own friend"),
        ('user_id,friend_id\n0,"1\n', "line 2: unexpected end of data"),
        ('user_id,friend_id\n0,"1"2\n', "line 2: ',' expected after '\"'"),
    ],
)
def test_a_wrong_row_is_told_by_line_and_column(path: Path, content: str, problem: str) -> None:
    path.write_text(content)

    assert refusal(path).startswith(problem)


def test_the_first_wrong_rows_are_shown_and_the_others_counted(path: Path) -> None:
    path.write_text("user_id,friend_id\n" + "0,1\n1,1\n" * 1_012)

    lines = refusal(path).splitlines()

    assert lines[0] == "line 3, column friend_id: nobody is their own friend"
    assert len(lines) == 11
    assert lines[-1] == "… and 1,002 more"


def test_files_that_cannot_be_read_are_one_sentence(path: Path, tmp_path: Path) -> None:
    assert refusal(path) == f"{path} cannot be read: No such file or directory"
    assert refusal(tmp_path) == f"{tmp_path} cannot be read: Is a directory"
    path.write_bytes(b"user_id,friend_id\n\xff\xfe,1\n")
    assert refusal(path) == f"{path} is not text in UTF-8"
