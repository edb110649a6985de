"""From conversations to what they express: reading them in the forms that people have."""
