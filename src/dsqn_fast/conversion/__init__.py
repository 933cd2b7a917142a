"""Conversion: normalisation, calibration, `convert`, diagnosis."""

from dsqn_fast.conversion.auto import AutoResult, Route, convert_automatically
from dsqn_fast.conversion.auto_report import AutoReport
from dsqn_fast.conversion.convert import convert
from dsqn_fast.conversion.detail import Conversion, Settings, calibration_for, convert_in_detail
from dsqn_fast.conversion.gather import gather_observations
from dsqn_fast.conversion.observation_files import load_observations
from dsqn_fast.conversion.option_groups import AutoOptions, CalibrationOptions, SearchOptions
from dsqn_fast.conversion.options import INITIAL_POTENTIALS, NORMALIZATIONS, Dynamics, Recipe

__all__ = [
    "INITIAL_POTENTIALS",
    "NORMALIZATIONS",
    "AutoOptions",
    "AutoReport",
    "AutoResult",
    "CalibrationOptions",
    "Conversion",
    "Dynamics",
    "Recipe",
    "Route",
    "SearchOptions",
    "Settings",
    "calibration_for",
    "convert",
    "convert_automatically",
    "convert_in_detail",
    "gather_observations",
    "load_observations",
]
