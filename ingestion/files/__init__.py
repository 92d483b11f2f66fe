"""Files with a mapping: CSV, XLSX, JSONL and Parquet of any system onto appeals and answers."""
