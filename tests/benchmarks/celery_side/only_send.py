"""`python only_send.py <count>`: sends that many tasks, and waits for none."""

import sys

from tests.benchmarks.celery_side.noop import noop

for number in range(int(sys.argv[1])):
    noop.apply_async((number,))
