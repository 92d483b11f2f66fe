"""Dagster: decides when; holds no business logic."""
