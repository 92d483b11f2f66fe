"""The servers of the pretend region; they speak HTTP as the real services do."""
