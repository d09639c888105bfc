"""`python -m bench.search_quality`."""

from bench.search_quality.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
