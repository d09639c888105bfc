"""Stories that leave the building: commit the intent, ask the world, commit the answer."""
