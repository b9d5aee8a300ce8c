"""How candidates are drawn, scored and raced, many at a time."""
