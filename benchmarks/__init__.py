KEY = "benchmarks-hash-nobody-0123456789abcdef"  # of nobody
