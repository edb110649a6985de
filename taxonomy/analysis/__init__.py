"""What conversations show: records of value mentions, their nodes, and one module a question."""
