"""What JAX has and the engine has not: options, devices, views of programs, small libraries around the core."""
