import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.local import ministack as module
from tools.local.ministack import Ministack, client_environ, server_command, server_environ
from tools.local.ports import LOOPBACK, free_port, is_listening


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "LOCAL", tmp_path)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_server_is_reached_from_this_machine_only() -> None:
    assert _binds(server_command(4570)) == ["127.0.0.1:4570"]


def _binds(command: list[str | Path]) -> list[str | Path]:
    return [value for option, value in pairwise(command) if option == "--bind"]


def test_the_server_enforces_iam(tmp_path: Path) -> None:
    environ = server_environ({"PATH": "/bin"}, 4570, tmp_path)
    assert environ["AUTH"] == "true"
    assert environ["GATEWAY_PORT"] == "4570"
    assert environ["TMPDIR"].startswith(str(tmp_path))


def test_the_server_gets_nothing_of_the_users_account(tmp_path: Path) -> None:
    user = {"PATH": "/bin", "AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "x", "PYTHONPATH": "/x"}
    environ = server_environ(user, 4570, tmp_path)
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONPATH"} & environ.keys()
    assert environ["AWS_ACCESS_KEY_ID"] == "test"


def test_a_client_gets_the_local_account_in_place_of_the_users() -> None:
    user = {"HOME": "/root", "AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "AKIA"}
    environ = client_environ(user, "http://localhost:4570")
    assert environ["HOME"] == "/root"
    assert "AWS_PROFILE" not in environ
    assert environ["AWS_ACCESS_KEY_ID"] == "test"
    assert environ["AWS_ENDPOINT_URL"] == "http://localhost:4570"


def test_a_port_in_use_is_one_sentence(taken_port: int) -> None:
    with pytest.raises(ToolError, match=rf"^port {taken_port} is in use by another program; "):
        Ministack(taken_port).start()


def test_to_stop_what_does_not_run_changes_nothing() -> None:
    assert Ministack(free_port()).stop() is False


def test_another_programs_process_is_not_taken_for_ours(tmp_path: Path) -> None:
    ours = Ministack(4570)
    ours.folder.mkdir()
    for text in ("1", "", "not a number", "99999999"):
        ours.pid_file.write_text(text)
        assert ours.pid() is None


def test_a_free_port_is_free_and_a_taken_one_is_not(taken_port: int) -> None:
    assert is_listening(taken_port)
    port = free_port()
    assert port != taken_port
    assert not is_listening(port)
