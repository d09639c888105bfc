"""How the embedded server is tuned."""

# Memory and planner suited to a small machine with a solid-state disk. ALTER SYSTEM overrides.
_SETTINGS = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "password_encryption": "scram-sha-256",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# A test's data needn't outlive its machine, so nothing waits for the disk.
_THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "max_connections": "200",
}


def render_settings(*, throwaway: bool) -> str:
    """The text of a configuration file; `throwaway` trades durability for speed."""
    settings = _SETTINGS | (_THROWAWAY if throwaway else _DURABLE)
    lines = ["# Written at every start. To change a value use ALTER SYSTEM, which wins."]
    lines += [f"{name} = '{value}'" for name, value in settings.items()]
    return "\n".join(lines) + "\n"
