"""The market as a whole, told in public."""

from gosellr.core.db import Connection
from gosellr.queries import marketplace_stats
from gosellr.queries.marketplace_stats import MarketFigures


async def read_figures(connection: Connection) -> MarketFigures:
    """What the market sold, earned and gave back, as the books have it at this moment."""
    return await marketplace_stats.read_figures(connection)
