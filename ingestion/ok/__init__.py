"""OK: groups, posts, comments."""
