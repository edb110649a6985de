"""From one version of a taxonomy to the next: ids that stay, edits that survive, and what changed."""
