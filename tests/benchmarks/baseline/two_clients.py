"""The yardstick of a cold start: nothing but the two clients that any consumer needs."""

import boto3

sqs = boto3.client("sqs")
dynamodb = boto3.client("dynamodb")
