"""What the commands compute: results as frozen dataclasses, nothing printed."""
