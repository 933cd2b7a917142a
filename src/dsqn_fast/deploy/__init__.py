"""Exporters to other simulators and to chips, and their verification."""
