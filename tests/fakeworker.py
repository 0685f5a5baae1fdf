"""The real model worker over a model that is no model: run as `python fakeworker.py`; the provider asked for says how.

"cpu": each output is the sum of the inputs; "dies", "hangs", "raises": what happens at the second run.
"""

import os
import time
from typing import Any

import numpy as np

from reenact.errors import ModelError
from reenact.generation import modelworker
from reenact.generation.weights import find_model


class Summing:
    def __init__(self, told: dict[str, Any]) -> None:
        from pathlib import Path

        if told["provider"] == "refuses":
            raise ModelError("the model cannot run on a toaster")
        self.entry = find_model(told["model"], Path(told["folder"]))
        self.provider = told["provider"]
        self._runs = 0

    def run(self, inputs: dict[str, Any]) -> list[Any]:
        self._runs += 1
        if self._runs == 2:
            if self.provider == "dies":
                os._exit(3)
            if self.provider == "hangs":
                time.sleep(3600)
            if self.provider == "raises":
                raise MemoryError
        total = sum(float(array.sum()) for array in inputs.values())
        return [np.full([size or 2 for size in spec.shape], total, spec.dtype) for spec in self.entry.outputs]


if __name__ == "__main__":
    modelworker.main(Summing)
