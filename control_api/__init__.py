"""The control plane: what operators and nodes ask, answered from one database."""
