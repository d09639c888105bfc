"""Files that people hand in, kept until they are worked off."""
