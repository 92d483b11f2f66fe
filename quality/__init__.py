"""Great Expectations suites as data, and the one file that imports GX."""
