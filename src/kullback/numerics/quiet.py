"""NumPy's floating-point signals, whatever the caller has set for them: no result may depend on that setting.

Every public function that computes is decorated with `quiet`. What a signal would tell is seen in the values.
"""

from __future__ import annotations

import numpy as np

quiet = np.errstate(all="ignore")
