"""The main job: a Recipe in, a Built taxonomy out."""
