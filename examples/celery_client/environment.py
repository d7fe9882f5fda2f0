"""Print the lines that tell a shell what celeryconfig.py reads of a deployed stack.

eval "$(python environment.py STACK)"
"""

import shlex
import sys

import boto3

OUTPUTS = {
    "TASKS_TABLE": "TasksTable",
    "NOTIFICATIONS_QUEUE_URL": "notificationsQueueUrl",
    "RANKINGS_QUEUE_URL": "rankingsQueueUrl",
}


def main(stack: str) -> None:
    """Print an `export` for each output of the stack that is needed."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
    for variable, output in OUTPUTS.items():
        print(f"export {variable}={shlex.quote(outputs[output])}")


if __name__ == "__main__":
    main(sys.argv[1])
