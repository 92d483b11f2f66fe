"""ПОС: appeals with their status history and answers."""
