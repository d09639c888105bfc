"""A migration says which one it follows, and follows it."""

import re
from pathlib import Path

VERSIONS = Path(__file__).resolve().parents[2] / "services/gosellr/migrations/versions"


def test_each_migration_follows_the_one_it_names() -> None:
    wrong = []
    for path in sorted(VERSIONS.glob("0*.py")):
        text = path.read_text()
        said = re.search(r"^Revises: (\S+)$", text, re.M)
        meant = re.search(r'^down_revision = "(\d+)"$', text, re.M)
        if said and meant and said[1] != meant[1]:
            wrong.append((path.name, said[1], meant[1]))
    assert wrong == []
