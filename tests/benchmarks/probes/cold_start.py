"""Imports one module and prints its CPU and wall time in seconds, and the modules then loaded.

Run as a script, with nothing imported before the clock starts that the module would need itself.
"""

import importlib
import sys
import time


def main(module: str) -> None:
    """Time the import, which for a Lambda's module includes its init."""
    cpu, wall = time.process_time(), time.perf_counter()
    importlib.import_module(module)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    sys.stdout.write(f"{cpu} {wall} {len(sys.modules)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
