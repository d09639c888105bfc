"""`python -m bench.replay`."""

from bench.replay.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
