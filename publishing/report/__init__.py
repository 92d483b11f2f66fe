"""The report: a release's figures as pages that open from a file, for people who would rather look."""
