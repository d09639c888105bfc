"""`python -m bench.retail`."""

from bench.retail.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
