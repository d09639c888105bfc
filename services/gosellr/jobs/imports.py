"""Imports, worked off in the background."""

from gosellr.flows import imports
from gosellr.models.events import RecordedFact
from gosellr.resources import Resources


async def run_import(resources: Resources, fact: RecordedFact) -> None:
    """A file was handed in: list what it says. Run again, it goes on where it was left."""
    await imports.run_import(resources.imports, import_id=fact.aggregate_id)
