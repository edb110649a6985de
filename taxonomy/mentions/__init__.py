"""Records of value mentions: read, placed on nodes, and counted."""
