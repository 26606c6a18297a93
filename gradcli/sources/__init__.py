"""Where functions and values come from: files, specs, expressions, the command line."""
