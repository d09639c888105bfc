"""`python -m bench.imports`."""

from bench.imports.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
