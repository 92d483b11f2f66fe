"""VK: communities, posts, comments, mentions, statistics."""
