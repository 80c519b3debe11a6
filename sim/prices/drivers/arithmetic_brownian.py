"""Arithmetic Brownian motion."""

from __future__ import annotations

from sim.prices.drivers.geometric_brownian import GeometricBrownian


class ArithmeticBrownian(GeometricBrownian):
    """Normal changes whose size does not depend on the value.

    The value is held at a thousandth of the opening one if it would fall below, and may
    leave from there: a value has to stay above 0.

    Notes
    -----
    dS = S0 (drift dt + volatility dW), S0 the opening value (Bachelier 1900).
    """

    def law(self) -> dict[str, float]:
        """Constant variance of additive changes."""
        return {**super().law(), "is_additive": 1}
