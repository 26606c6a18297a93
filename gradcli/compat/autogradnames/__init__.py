"""What autograd's names mean over the engine: operators, primitives of one's own, vector spaces, small libraries."""
