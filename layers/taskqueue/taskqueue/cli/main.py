"""The command itself; each of its commands imports what it needs when it runs."""

import click

from taskqueue.cli.doctor.command import doctor


@click.group()
def cli() -> None:
    """Background tasks on SQS, Lambda and DynamoDB."""


cli.add_command(doctor)
