"""The commands of `dsqn-fast`: each file parses, calls and shows."""
