"""Exceptions raised on purpose; each also derives from the natural built-in.

Every message is one sentence that names the value found, the value wanted and what to do.
The command line prints the sentence on stderr and exits with 2.
"""


class DsqnError(Exception):
    """Base of every exception that this package raises on purpose."""


class ModelError(DsqnError, ValueError):
    """A model is not one that can be simulated: shapes, thresholds or options disagree."""


class ModelFileError(DsqnError, ValueError):
    """A file is not a model: damaged, of an unknown version, or not ours."""


class ModelFileNotFoundError(ModelFileError, FileNotFoundError):
    """A model file does not exist or cannot be opened."""


class OptionError(DsqnError, ValueError):
    """An argument has a value that is not among the possible ones."""


class ObservationError(DsqnError, ValueError):
    """Observations have the wrong shape or contain NaN or infinity."""


class ObservationTypeError(ObservationError, TypeError):
    """Observations are not real numbers."""


class EnvironmentMismatchError(DsqnError, ValueError):
    """An environment's observations or actions do not fit the policy."""


class UnknownEnvironmentError(DsqnError, LookupError):
    """No environment of that name is registered."""


class OutputPathError(DsqnError, OSError):
    """A file cannot be written where it was asked for."""


class RecordingError(DsqnError, MemoryError):
    """What a run should record does not fit into memory."""


class UnsupportedError(DsqnError, NotImplementedError):
    """A valid request that this part of the package cannot serve yet."""


class UnsupportedLayerError(DsqnError, ValueError):
    """A source network has a layer that no spiking network can take over."""


class MissingExtraError(DsqnError, ImportError):
    """An optional dependency is needed that is not installed."""


class CpuError(DsqnError, RuntimeError):
    """An instruction set was forced that this CPU or build does not have."""


class TrainingError(DsqnError, RuntimeError):
    """Training cannot go on: the loss is not finite, or the run cannot be continued."""


class MissingTargetError(MissingExtraError):
    """A target of deployment is not installed where it was looked for, or in another version."""


class TargetError(DsqnError, RuntimeError):
    """A target of deployment failed: its process ended, or what it runs raised."""


class StudyError(DsqnError, RuntimeError):
    """A study cannot be run, continued or reported; what was computed is kept."""


class StudyFileError(StudyError, ValueError):
    """A study file is broken or asks for something unknown; line and key are named."""


class ClusterError(StudyError, ConnectionError):
    """A cluster cannot be reached, or its machines do not fit together."""
