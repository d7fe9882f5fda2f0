"""What template.yaml promises of functions, queues, tables, logs, alarms and outputs."""

import json
import re
import tomllib

import pytest

from tests.unit import cloudformation as cfn

MAX_RETENTION_SECONDS = 14 * 24 * 60 * 60
FIVE_MINUTES_SECONDS = 5 * 60
# A name that a module reads without a default.
_REQUIRED_VARIABLE = re.compile(r'environ(?:ment)?\["([A-Z_]+)"\]')


def _required_variables(folder: str) -> set[str]:
    modules = (cfn.ROOT / folder).rglob("*.py")
    return {name for module in modules for name in _REQUIRED_VARIABLE.findall(module.read_text())}


def test_every_function_folder_is_deployed() -> None:
    folders = {path.parent.name for path in (cfn.ROOT / "functions").glob("*/app.py")}

    assert {cfn.folder(function) for function in cfn.FUNCTIONS} == folders


@pytest.mark.parametrize("function", cfn.FUNCTIONS)
def test_a_function_is_told_what_its_code_reads(function: str) -> None:
    needed = _required_variables(f"functions/{cfn.folder(function)}")
    for layer in cfn.FUNCTIONS[function]["Layers"]:
        package = layer["Ref"].removesuffix("Layer").lower()
        needed |= _required_variables(f"layers/{package}")

    assert needed <= cfn.variables(function)


@pytest.mark.parametrize("function", cfn.FUNCTIONS)
def test_the_makefile_builds_each_function(function: str) -> None:
    makefile = (cfn.ROOT / "functions" / "Makefile").read_text()

    target = f"build-{function}:\n\t$(call build,{cfn.folder(function)})\n"
    assert target in makefile


@pytest.mark.parametrize("environment", cfn.ENVIRONMENTS)
def test_messages_stay_hidden_six_times_as_long_as_a_batch_may_take(environment: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    for function, queue, source in cfn.event_sources():
        hidden = cfn.number(cfn.QUEUES[queue]["VisibilityTimeout"], environment)
        timeout = cfn.number(cfn.FUNCTIONS[function]["Timeout"], environment)
        window = cfn.number(source.get("MaximumBatchingWindowInSeconds", 0), environment)

        assert hidden >= 6 * timeout + window, queue


def test_every_queue_has_a_consumer_that_reports_single_failures() -> None:
    sources = cfn.event_sources()

    assert sorted(queue for _, queue, _ in sources) == sorted(cfn.QUEUES)
    for _, queue, source in sources:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], queue


def test_dead_letters_have_one_consumer() -> None:
    consumers = {f for f, queue, _ in cfn.event_sources() if queue in cfn.DEAD_LETTER_QUEUES}

    assert consumers == {"DeadLettersFunction"}


@pytest.mark.parametrize("queue", sorted(cfn.WORK_QUEUES))
def test_a_queue_has_a_dead_letter_queue_of_its_own(queue: str) -> None:
    dead_letters = queue.removesuffix("Queue") + "DeadLetterQueue"

    redrive = cfn.QUEUES[queue]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [dead_letters, "Arn"]}
    assert redrive["maxReceiveCount"] == {"Ref": "MaxReceiveCount"}
    name = cfn.QUEUES[queue]["QueueName"]["Fn::Sub"]
    assert cfn.QUEUES[dead_letters]["QueueName"] == {"Fn::Sub": f"{name}-dead-letters"}


@pytest.mark.parametrize("queue", cfn.QUEUES)
def test_a_queue_is_encrypted_and_keeps_messages_as_long_as_it_can(queue: str) -> None:
    assert cfn.QUEUES[queue]["SqsManagedSseEnabled"] is True
    assert cfn.QUEUES[queue]["MessageRetentionPeriod"] == MAX_RETENTION_SECONDS


@pytest.mark.parametrize("queue", sorted(cfn.WORK_QUEUES))
def test_functions_know_every_queue_by_its_logical_name(queue: str) -> None:
    text = cfn.TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["QUEUES"]["Fn::Sub"]
    queues = json.loads(text)

    name = queue.removesuffix("Queue").lower()
    assert queues[name] == {
        "url": f"${{{queue}}}",
        "arn": f"${{{queue}.Arn}}",
        "dead_letter_url": f"${{{queue.removesuffix('Queue')}DeadLetterQueue}}",
    }


@pytest.mark.parametrize("table", cfn.TABLES)
def test_a_table_is_encrypted_and_billed_by_request(table: str) -> None:
    assert cfn.TABLES[table]["SSESpecification"] == {"SSEEnabled": True}
    assert cfn.TABLES[table]["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize(
    ("table", "attribute"),
    [
        ("TasksTable", "ttl"),
        ("IdempotencyTable", "expiration"),
        ("FeedsTable", "ttl"),
        ("ViewsTable", "ttl"),
        ("RankingsTable", "ttl"),
    ],
)
def test_items_that_expire_are_removed(table: str, attribute: str) -> None:
    ttl = {"AttributeName": attribute, "Enabled": True}

    assert cfn.TABLES[table]["TimeToLiveSpecification"] == ttl


@pytest.mark.parametrize("group", cfn.LOG_GROUPS)
def test_logs_are_kept_for_a_while_only(group: str) -> None:
    assert cfn.LOG_GROUPS[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("function", cfn.FUNCTIONS)
def test_a_function_logs_to_a_group_of_the_stack(function: str) -> None:
    name = cfn.FUNCTIONS[function]["FunctionName"]["Fn::Sub"]

    names = [group["LogGroupName"] for group in cfn.LOG_GROUPS.values()]
    assert {"Fn::Sub": f"/aws/lambda/{name}"} in names


def _watched(metric: str, dimension: str) -> list[str]:
    alarms = [alarm for alarm in cfn.ALARMS.values() if alarm.get("MetricName") == metric]
    found = [alarm["Dimensions"][0] for alarm in alarms]
    assert all(entry["Name"] == dimension for entry in found)
    return sorted(entry["Value"].get("Ref") or entry["Value"]["Fn::GetAtt"][0] for entry in found)


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_alarms_watch_every_function(metric: str) -> None:
    assert _watched(metric, "FunctionName") == sorted(cfn.FUNCTIONS)


def test_alarms_watch_every_queue() -> None:
    assert _watched("ApproximateAgeOfOldestMessage", "QueueName") == sorted(cfn.QUEUES)
    assert _watched("NumberOfMessagesReceived", "QueueName") == sorted(cfn.DEAD_LETTER_QUEUES)


@pytest.mark.parametrize(
    ("alarm", "metric", "service"),
    [
        ("BeatStaleAlarm", "BeatTicks", "beat"),
        ("RankingStaleAlarm", "RankingsComputed", "books"),
    ],
)
def test_an_alarm_goes_off_when_nothing_is_heard(alarm: str, metric: str, service: str) -> None:
    properties = cfn.ALARMS[alarm]

    assert properties["Namespace"] == {"Ref": "AWS::StackName"}
    assert properties["MetricName"] == metric
    assert properties["Dimensions"] == [{"Name": "service", "Value": service}]
    assert properties["TreatMissingData"] == "breaching"
    assert cfn.number(properties["Period"], "prod") == FIVE_MINUTES_SECONDS
    folders = ("functions", "layers/books")
    modules = [module for folder in folders for module in (cfn.ROOT / folder).rglob("*.py")]
    assert any(f'add_metric("{metric}"' in module.read_text() for module in modules)


def test_beat_ticks_every_minute() -> None:
    tick = cfn.FUNCTIONS["BeatFunction"]["Events"]["Tick"]

    assert tick["Type"] == "Schedule"
    assert tick["Properties"]["Schedule"] == "rate(1 minute)"


@pytest.mark.parametrize("alarm", cfn.ALARMS)
def test_an_alarm_is_sent_to_the_topic_and_says_what_is_wrong(alarm: str) -> None:
    assert cfn.ALARMS[alarm]["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    descriptions = [properties["AlarmDescription"] for properties in cfn.ALARMS.values()]
    assert descriptions.count(cfn.ALARMS[alarm]["AlarmDescription"]) == 1


def test_the_dashboard_shows_every_function_and_queue() -> None:
    body = cfn.RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]

    widgets = json.loads(body)["widgets"]
    shown = json.dumps([widget["properties"]["metrics"] for widget in widgets])
    for function in cfn.FUNCTIONS:
        assert f"${{{function}}}" in shown
    for queue in cfn.QUEUES:
        assert f"${{{queue}.QueueName}}" in shown


def test_outputs_name_every_table_and_queue() -> None:
    values = [output["Value"] for output in cfn.TEMPLATE["Outputs"].values()]

    for name in (*cfn.TABLES, *cfn.QUEUES):
        assert {"Ref": name} in values


@pytest.mark.parametrize("environment", cfn.ENVIRONMENTS)
def test_samconfig_sets_parameters_that_there_are(environment: str) -> None:
    assert cfn.overrides(environment).keys() <= cfn.PARAMETERS.keys()


def test_every_parameter_is_used_described_and_grouped() -> None:
    text = (cfn.ROOT / "template.yaml").read_text()
    interface = cfn.TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(cfn.PARAMETERS)
    for name, parameter in cfn.PARAMETERS.items():
        assert f"!Ref {name}" in text
        assert parameter["Description"].endswith(".")


def test_the_runtime_is_the_project_s_python() -> None:
    project = tomllib.loads((cfn.ROOT / "pyproject.toml").read_text())["project"]

    runtime = cfn.TEMPLATE["Globals"]["Function"]["Runtime"]
    assert runtime == "python" + project["requires-python"].removeprefix(">=")
