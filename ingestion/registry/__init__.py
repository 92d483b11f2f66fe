"""The region itself: its rules, territories, authorities and official pages."""
