"""Great Expectations suites as data (`suites/`), and the one file that imports GX (`validate.py`)."""
