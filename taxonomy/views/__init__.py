"""Views of a taxonomy: outline, plots, map and page."""
