"""Work without a caller: what follows from facts, and what time brings."""
