"""The schema's history, one step a file; `run.upgrade` walks it."""
