"""`python -m gosellr`: the same commands as `gosellr`."""

from gosellr.main import command

command()
