"""Source networks of many kinds, read into `dsqn_fast.model.AnnModel`; spiking NIR graphs.

Importing this package imports neither torch nor onnx nor nir; each is imported when a source
needs it.
"""

from dsqn_fast.importers.load import load_ann, load_teacher
from dsqn_fast.importers.nir_policy import load_nir
from dsqn_fast.importers.source_options import ObservationStatistics

__all__ = ["ObservationStatistics", "load_ann", "load_nir", "load_teacher"]
