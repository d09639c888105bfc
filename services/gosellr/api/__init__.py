"""JSON over HTTP: doors that only translate."""
