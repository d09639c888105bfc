"""Media: a store of immutable blobs, and the gate through which every picture must pass."""
