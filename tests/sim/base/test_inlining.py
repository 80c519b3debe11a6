"""Helpers have no code of their own, kernels that call them are right; no garbage is looked for meanwhile."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from numba.core.event import trigger_event

from sim.base.ahead import COMPILING
from sim.base.inlining import InlinedLibrary
from sim.base.jit import inlined, kernel, summing


def test_kernels_hold_the_code_of_helpers_and_of_what_these_call() -> None:
    @inlined
    def squared(x):  # type: ignore[no-untyped-def]  # numba types it
        if x < 0.0:
            raise ValueError("below zero")
        return x * x

    @summing
    def total(values):  # type: ignore[no-untyped-def]  # numba types it
        found = 0.0
        for value in values:
            found += squared(value)
        return found

    @kernel
    def both(values, x):  # type: ignore[no-untyped-def]  # numba types it
        return total(values) + squared(x)

    values = np.arange(5.0)
    assert both(values, 3.0) == 39.0
    with pytest.raises(ValueError, match="below zero"):
        both(values, -1.0)
    for helper in (squared, total):
        (compiled,) = helper.overloads.values()
        assert type(compiled.library) is InlinedLibrary
        assert compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name) == 0
    (compiled,) = both.overloads.values()
    assert compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name) != 0


def compiling(*, breaks_off: bool = False) -> None:
    """As one kernel within another one is compiled."""
    with trigger_event(COMPILING, data={}):
        with trigger_event(COMPILING, data={}):
            assert not gc.isenabled()
        assert not gc.isenabled()
        if breaks_off:
            raise KeyboardInterrupt


def test_no_garbage_is_looked_for_while_a_kernel_is_compiled_and_then_as_before() -> None:
    """Also where compiling is broken off, and where nobody looked before."""
    assert gc.isenabled()
    with pytest.raises(KeyboardInterrupt):
        compiling(breaks_off=True)
    assert gc.isenabled()
    gc.disable()
    try:
        compiling()
        assert not gc.isenabled()
    finally:
        gc.enable()
