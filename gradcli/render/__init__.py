"""Results as text: every function returns a string, none prints."""
