"""The upper half of the numbers that PostgreSQL gives its transactions.

Raised while the server stands still, it makes every number to come larger than all before, and
touches nothing that is in the data folder.
"""

import subprocess
from pathlib import Path

from gosellr.core.postgres_account import choose_account
from gosellr.core.postgres_binaries import binaries_for, clean_environment, find_binaries
from gosellr.core.startup_error import StartupError


def raise_epoch(home: Path, *, epoch: int) -> None:
    """Let the embedded server below `home`, which was shut down cleanly, go on in this epoch.

    Raises:
        StartupError: it runs, or its program refuses.
    """
    data_folder = home.expanduser().absolute() / "pg"
    account = choose_account(data_folder)
    major = int((data_folder / "PG_VERSION").read_text())
    binaries = binaries_for(find_binaries(wanted_major=major), account=account, home=home)
    done = subprocess.run(
        [binaries.program("pg_resetwal"), f"--epoch={epoch}", "--pgdata", str(data_folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=data_folder.parent,
        env=clean_environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        raise StartupError(
            f"The server's transaction counter can't be raised: {done.stdout.strip()}",
            remedy="Stop the market, and try again: gosellr raise-epoch",
        )
