"""The functional core: pure functions over plain values, deterministic and fully covered."""
