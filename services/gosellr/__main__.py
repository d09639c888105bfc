"""`python -m gosellr`: the same commands as `gosellr`."""

from gosellr.cli import app

app(prog_name="gosellr")
