"""`make bench`: what can be measured here, and how.

Each measurement runs by itself, on a database of its own, and prints its figures with the
machine's load, so that two runs can be compared.
"""

import subprocess
import sys

MEASUREMENTS = {
    "imports": ["--rows", "10000"],
    "speed": [],
}
ON_DATA = {
    "replay": "make replay DATA=<folder> CATALOG=<folder>",
    "search_quality": "python -m bench.search_quality --data <folder>",
}


def main() -> int:
    """Run every measurement that needs no data from outside; name the others."""
    worst = 0
    for name, arguments in MEASUREMENTS.items():
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"bench.{name}", *arguments]
        worst = max(worst, subprocess.run(command, check=False).returncode)
    print("\nOn data of your own:")
    for name, command_line in ON_DATA.items():
        print(f"  {name:15} {command_line}")
    return worst


if __name__ == "__main__":
    sys.exit(main())
