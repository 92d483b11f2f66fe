"""Labels of messages as rows of raw. Which they are is told in orchestration/, by the room labels/."""
