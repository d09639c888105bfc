"""The system that this market is part of, where there is one: it knows the people."""
