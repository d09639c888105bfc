"""How the embedded server is tuned."""

import os
from pathlib import Path

_MEBIBYTE = 1 << 20
_MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_SHARED_MB = (128, 4096)
_SHARED_FRACTION = 4

# Memory and planner suited to a small machine with a solid-state disk. ALTER SYSTEM overrides.
_SETTINGS = {
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    # After a checkpoint whole pages are written: to squeeze them took a fifth of the server's time.
    "wal_compression": "off",
    "max_wal_size": "2GB",
    # A young table grows by a fifth every few seconds; it isn't worth sweeping each time.
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_insert_threshold": "10000",
    "autovacuum_analyze_threshold": "500",
    # Until a new table has been counted, plans are made and kept as if it were empty: checks of
    # foreign keys too, which then read all of a seller's listings for each variant.
    "autovacuum_naptime": "10s",
    # What a young market's tables are like hardly changes as they grow, and each counting sorts
    # thirty thousand values of each column: at a tenth more it took a sixth of a processor.
    "autovacuum_analyze_scale_factor": "0.25",
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


def memory_mb() -> int:
    """What this machine has, in MiB, or the container around us allows, if that is less."""
    bytes_most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in _MEMORY_LIMITS:
        try:
            bytes_most = min(bytes_most, int(limit.read_text()))
        except (OSError, ValueError):  # Not this kind of system, or "max": no limit.
            continue
    return bytes_most // _MEBIBYTE


def render_settings(*, throwaway: bool, memory_mb: int) -> str:
    """The text of a configuration file; `throwaway` trades durability for speed.

    A quarter of `memory_mb` is shared by the server's processes for what was read, as its manual
    advises; it is taken as it is needed, so a small market takes little.
    """
    least, most = _SHARED_MB
    shared_mb = max(least, min(memory_mb // _SHARED_FRACTION, most))
    memory = {
        "shared_buffers": f"{shared_mb}MB",
        "effective_cache_size": f"{max(memory_mb // 2, shared_mb)}MB",
    }
    settings = memory | _SETTINGS | (_THROWAWAY if throwaway else _DURABLE)
    lines = ["# Written at every start. To change a value use ALTER SYSTEM, which wins."]
    lines += [f"{name} = '{value}'" for name, value in settings.items()]
    return "\n".join(lines) + "\n"
