"""Texts to labels: what a message is about, how sure that is, and which texts are one and the same."""
