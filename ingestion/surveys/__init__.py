"""Surveys: questions, options and votes from XLSX and CSV files."""
