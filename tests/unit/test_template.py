"""What template.yaml promises of functions, queues, tables, logs, alarms and outputs."""

import importlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support import cloudformation as cfn
from tests.support.expansion import CannotExpand, expand

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


def test_a_queue_without_a_row_is_named(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    text = (cfn.ROOT / "template.yaml").read_text()
    template.write_text(text.replace("&queues [", "&queues [forgotten, "))

    with pytest.raises(CannotExpand, match="cannot find key 'forgotten' in map 'Queues'"):
        expand(template, {})


@pytest.mark.parametrize("function", cfn.FUNCTIONS)
def test_a_function_has_a_sample_event(function: str) -> None:
    assert [*(cfn.ROOT / "events" / cfn.folder(function)).glob("*.json")]


@pytest.mark.parametrize("function", cfn.FUNCTIONS)
def test_a_function_is_told_what_its_code_reads(function: str) -> None:
    needed = _required_variables(f"functions/{cfn.folder(function)}")
    for layer in cfn.FUNCTIONS[function]["Layers"]:
        package = layer["Ref"].removesuffix("Layer").lower()
        needed |= _required_variables(f"layers/{package}")

    assert needed <= cfn.variables(function)


@pytest.mark.parametrize("environment", cfn.ENVIRONMENTS)
def test_messages_stay_hidden_six_times_as_long_as_a_batch_may_take(environment: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    queues = cfn.of_type("AWS::SQS::Queue", environment)
    functions = cfn.of_type("AWS::Serverless::Function", environment)
    for function, queue, source in cfn.event_sources(environment):
        window = source.get("MaximumBatchingWindowInSeconds", 0)
        longest = 6 * int(functions[function]["Timeout"]) + window

        assert int(queues[queue]["VisibilityTimeout"]) >= longest, queue


def test_every_queue_has_a_consumer_that_reports_single_failures() -> None:
    sources = cfn.event_sources()

    assert sorted(queue for _, queue, _ in sources) == sorted(cfn.QUEUES)
    for _, queue, source in sources:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], queue


def test_a_consumer_has_the_layer_of_its_tasks_and_no_other() -> None:
    notifications, rankings = (
        cfn.FUNCTIONS[f"{queue}Function"] for queue in ("notifications", "rankings")
    )

    assert notifications["Layers"] == [{"Ref": "TaskqueueLayer"}, {"Ref": "SocialLayer"}]
    assert rankings["Layers"] == [{"Ref": "TaskqueueLayer"}, {"Ref": "BooksLayer"}]


def test_a_row_says_what_is_other_for_its_queue() -> None:
    sources = {queue: source for _, queue, source in cfn.event_sources()}

    assert sources["viewsQueue"]["BatchSize"] == 1_000
    assert sources["viewsQueue"]["MaximumBatchingWindowInSeconds"] == 5
    assert sources["rankingsQueue"]["ScalingConfig"] == {"MaximumConcurrency": 2}
    concurrency = sources["notificationsQueue"]["ScalingConfig"]["MaximumConcurrency"]
    assert concurrency == cfn.overrides("prod")["MaximumConcurrency"]


@pytest.mark.parametrize("environment", cfn.ENVIRONMENTS)
def test_a_batch_of_more_than_ten_messages_is_gathered(environment: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
    for _, queue, source in cfn.event_sources(environment):
        if source["BatchSize"] > 10:
            assert source["MaximumBatchingWindowInSeconds"] >= 1, queue


@pytest.mark.parametrize("queue", cfn.WORK_QUEUES)
def test_what_is_delivered_too_often_is_a_dead_letter(queue: str) -> None:
    redrive = cfn.QUEUES[queue]["RedrivePolicy"]

    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [cfn.DEAD_LETTER_QUEUE, "Arn"]}
    assert redrive["maxReceiveCount"] == cfn.PARAMETERS["MaxReceiveCount"]["Default"]


def test_the_dead_letter_queue_takes_messages_of_any_number_of_queues() -> None:
    policy = cfn.QUEUES[cfn.DEAD_LETTER_QUEUE]["RedriveAllowPolicy"]

    assert policy == {"redrivePermission": "allowAll"}


@pytest.mark.parametrize("queue", cfn.QUEUES)
def test_a_queue_is_encrypted_and_keeps_messages_as_long_as_it_can(queue: str) -> None:
    assert cfn.QUEUES[queue]["SqsManagedSseEnabled"] is True
    assert cfn.QUEUES[queue]["MessageRetentionPeriod"] == MAX_RETENTION_SECONDS


def test_functions_know_every_queue_by_its_logical_name() -> None:
    _, names = cfn.VARIABLES["QUEUES"]["Fn::Join"]

    queues = {cfn.QUEUES[queue]["QueueName"] for queue in cfn.WORK_QUEUES}
    assert {f"{cfn.STACK}-{cfn.STACK_ID}-{name}" for name in names} == queues
    for prefix in ("QUEUE_URL_PREFIX", "QUEUE_ARN_PREFIX"):
        assert cfn.VARIABLES[prefix]["Fn::Sub"][0].endswith("${AWS::StackName}-${Id}-")


@pytest.mark.parametrize("queue", cfn.QUEUES)
def test_a_queue_s_name_is_free_however_soon_a_deleted_stack_is_deployed_anew(queue: str) -> None:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
    assert cfn.STACK_ID in cfn.QUEUES[queue]["QueueName"]


def _runs_celery_s_tasks(function: str) -> bool:
    module = cfn.ROOT / "functions" / cfn.folder(function) / "app.py"
    return "taskqueue.celery" in module.read_text()


def test_functions_know_the_tasks_of_every_queue_but_those_of_celery_apps() -> None:
    modules = cfn.VARIABLES["TASK_MODULES"].split(",")

    apps = [importlib.import_module(module).app for module in modules]
    queues = {f"{task.queue}Queue" for app in apps for task in app.tasks.values()}
    consumers = {queue: function for function, queue, _ in cfn.event_sources()}
    light = {queue for queue in cfn.WORK_QUEUES if not _runs_celery_s_tasks(consumers[queue])}
    assert queues == light


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
    kept = cfn.LOG_GROUPS[group]["RetentionInDays"]

    assert kept == cfn.overrides("prod")["LogRetentionDays"]


@pytest.mark.parametrize("function", cfn.FUNCTIONS)
def test_a_function_logs_to_a_group_of_the_stack(function: str) -> None:
    name = cfn.FUNCTIONS[function]["FunctionName"]

    names = [group["LogGroupName"] for group in cfn.LOG_GROUPS.values()]
    assert f"/aws/lambda/{name}" in names


# What cannot be made anew.
_LASTING = {
    *("CatalogueTable", "DeadLettersTable", "FeedsTable", "FriendsTable", "NewsTable"),
    "SchedulesTable",
}


@pytest.mark.parametrize(
    ("environment", "retained"), [("dev", set()), ("local", set()), ("prod", _LASTING)]
)
def test_data_outlives_the_stack_in_prod(environment: str, retained: set[str]) -> None:
    resources = cfn.expanded(environment)["Resources"]

    kept = {name for name in cfn.TABLES if resources[name]["DeletionPolicy"] == "Retain"}
    assert kept == retained
    protected = {name for name, table in cfn.TABLES.items() if "DeletionProtectionEnabled" in table}
    assert protected == _LASTING


def test_data_is_retained_where_nobody_says_otherwise() -> None:
    assert cfn.PARAMETERS["DataDeletionPolicy"]["Default"] == "Retain"


def test_no_table_has_a_name_that_a_new_stack_would_find_taken() -> None:
    assert not [name for name, table in cfn.TABLES.items() if "TableName" in table]


def test_prod_has_access_logs() -> None:
    assert cfn.overrides("prod")["AccessLogs"] == "true"


def _watched(metric: str) -> list[str]:
    alarms = [alarm for alarm in cfn.ALARMS.values() if alarm.get("MetricName") == metric]
    values = [alarm["Dimensions"][0]["Value"] for alarm in alarms]
    return sorted(value.get("Ref") or value["Fn::GetAtt"][0] for value in values)


def test_alarms_watch_every_consumer() -> None:
    assert _watched("Errors") == sorted(cfn.consumers())


def test_alarms_watch_every_queue() -> None:
    assert _watched("ApproximateAgeOfOldestMessage") == sorted(cfn.QUEUES)
    assert _watched("ApproximateNumberOfMessagesNotVisible") == cfn.WORK_QUEUES
    assert _watched("NumberOfMessagesReceived") == [cfn.DEAD_LETTER_QUEUE]


def test_alarms_watch_how_many_tasks_of_each_queue_fail() -> None:
    _, names = cfn.VARIABLES["QUEUES"]["Fn::Join"]
    dimensions = [[{"Name": "service", "Value": name}] for name in names]

    alarms = [cfn.ALARMS[f"{name}FailureRateAlarm"] for name in names]
    assert [alarm["Dimensions"] for alarm in alarms] == dimensions
    assert {alarm["Namespace"] for alarm in alarms} == {cfn.STACK}


# Without dimensions, a metric is that of all functions of the account in the region.
_ACCOUNT = {"ConcurrencyAlarm", "StoppedRecursionAlarm"}


@pytest.mark.parametrize("alarm", cfn.ALARMS)
def test_an_alarm_is_on_one_metric_of_this_stack(alarm: str) -> None:
    properties = cfn.ALARMS[alarm]

    assert "Metrics" not in properties
    assert ("Dimensions" in properties) == (alarm not in _ACCOUNT)
    assert ("Statistic" in properties) != ("ExtendedStatistic" in properties)


def test_the_alarms_of_a_month_cost_less_than_three_dollars_with_the_project_s_queues() -> None:
    # Ten cents each: https://aws.amazon.com/cloudwatch/pricing/
    assert len(cfn.ALARMS) * 10 < 300 + 40 * len(cfn.USERS_QUEUES)


@pytest.mark.parametrize(
    ("alarm", "metric", "service"),
    [
        ("BeatStaleAlarm", "BeatTicks", "beat"),
        ("RankingStaleAlarm", "RankingsComputed", "rankings"),
    ],
)
def test_an_alarm_goes_off_when_nothing_is_heard(alarm: str, metric: str, service: str) -> None:
    properties = cfn.ALARMS[alarm]

    assert properties["Namespace"] == cfn.STACK
    assert properties["MetricName"] == metric
    assert properties["Dimensions"] == [{"Name": "service", "Value": service}]
    assert properties["TreatMissingData"] == "breaching"
    assert properties["Period"] == FIVE_MINUTES_SECONDS
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


def test_the_dashboard_stays_within_the_metrics_that_are_free() -> None:
    # https://aws.amazon.com/cloudwatch/pricing/
    widgets = json.loads(cfn.RESOURCES["Dashboard"]["Properties"]["DashboardBody"])["widgets"]

    shown = [metric for widget in widgets for metric in widget["properties"]["metrics"]]
    # A queue has four lines, and its tasks' successes and failures.
    assert sum(map(_time_series, shown)) <= 50 + 6 * len(cfn.USERS_QUEUES)


def _time_series(metric: list[Any]) -> int:
    """How many a line of a widget shows at most: a search shows one for each that it finds."""
    search = metric[0].get("expression", "") if isinstance(metric[0], dict) else ""
    if not search or search.startswith("SUM"):
        return 1
    if "AWS/SQS" in search:
        return len(cfn.QUEUES)
    if "AWS/Lambda" in search:
        return len(cfn.FUNCTIONS)
    return len(cfn.WORK_QUEUES) * search.count("MetricName=")


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
