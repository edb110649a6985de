"""What is drawn for eyes: outline, plots, map and page."""
