from tools.demo.farewell import farewell
from tools.local.deployed import Stack, api_url, outputs_by_name

STACK = Stack(
    name="taskqueue-local",
    port=4570,
    outputs={"ApiId": "abc123", "ApiStage": "local"},
    api_url="http://localhost:4570/_aws/execute-api/abc123/local",
    api_key="the-key",
)


def test_outputs_are_read_by_name() -> None:
    outputs = [
        {"OutputKey": "ApiId", "OutputValue": "abc", "Description": "The id."},
        {"OutputKey": "TasksTable", "OutputValue": "t"},
    ]
    assert outputs_by_name(outputs) == {"ApiId": "abc", "TasksTable": "t"}


def test_the_api_is_found_without_a_name_to_resolve() -> None:
    assert api_url("http://localhost:4570", "abc123", "local") == STACK.api_url


def test_the_farewell_has_what_a_request_needs() -> None:
    text = farewell(STACK)
    assert f"api={STACK.api_url}\n" in text
    assert "key='x-api-key: the-key'" in text
    assert """-d '{"text": "Hello!"}' $api/users/80/news""" in text
