"""The collector: the recorder's series, in the form Mesa's tools look for."""

from __future__ import annotations

import mesa
import numpy as np

from sim.recording.recorder import Recorder


class SeriesCollector(mesa.DataCollector):  # type: ignore[misc]  # Mesa ships no types
    """A Mesa data collector whose model variables are the columns of the series.

    `mesa.batch_run`, `get_model_vars_dataframe` and Mesa's live page read it; nothing is
    copied while the model steps.

    Parameters
    ----------
    recorder : Recorder
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        super().__init__()
        self.model_reporters = dict.fromkeys(recorder.names)

    @property
    def model_vars(self) -> dict[str, np.ndarray]:
        """Column name to values, a row a step."""
        return self._recorder.series()

    @model_vars.setter
    def model_vars(self, empty: dict[str, list[float]]) -> None:
        """Leave out the empty table that the base class starts with."""
