"""What the project must reach, measured: `python -m tests.benchmarks` writes docs/benchmarks.md."""
