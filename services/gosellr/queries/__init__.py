"""The one address of SQL: set-based, bounded, and scoped to the viewer."""
