"""A pretend region: servers that speak the real APIs, filled by scenarios."""
