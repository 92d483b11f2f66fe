"""Warehouse to immutable release, serving copies and report."""
