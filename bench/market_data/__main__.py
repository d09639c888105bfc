"""`python -m bench.market_data`."""

from bench.market_data.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
