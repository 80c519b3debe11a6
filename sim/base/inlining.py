"""Inlining: helpers are lowered, and become machine code only within the kernels that call them.

numba optimises what it compiles as a module of its own and emits its machine code. Of a helper that is
inlined wherever it is called nobody runs that code, and every caller optimises it once more: here it is
left out, which takes a sixth off the time that compiling takes and changes nothing of what is run.
"""

from __future__ import annotations

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, DefaultPassBuilder, _LowerResult
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class InlinedLibrary(JITCodeLibrary):  # type: ignore[misc]  # numba ships no types
    """Code of a helper, as it came out of lowering: to be linked into others, never to be run."""

    def finalize(self) -> None:
        """Link what it calls into it, and nothing more."""
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class InlinedLowering(NativeLowering):  # type: ignore[misc]  # numba ships no types
    """Lowering of a helper into a library that is not optimised."""

    _name = "inlined_lowering"

    def run_pass(self, state: Any) -> bool:
        """Lower it; callers find it by a function that cannot be called, having no code."""
        library = InlinedLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library, state.flags.no_compile = library, True
        super().run_pass(state)
        library.finalize()
        lowered = state["cr"]
        described, name = lowered.fndesc, lowered.fndesc.qualname.rpartition(".")[2]
        module = described.lookup_module()
        named = _dynfunc.make_function(module, name, "inlined", 0, lowered.env, (library,))
        state.targetctx.insert_user_function(named, described, [library])
        state.reload_init.extend(library._reload_init)
        state["cr"] = _LowerResult(described, lowered.call_helper, cfunc=named, env=lowered.env)
        return True


class InlinedCompiler(Compiler):  # type: ignore[misc]  # numba ships no types
    """numba's compiler, with that lowering."""

    def define_pipelines(self) -> list[Any]:
        """The usual passes, but for one."""
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.passes = [
            (InlinedLowering if each is NativeLowering else each, about) for each, about in pipeline.passes
        ]
        pipeline.finalize()
        return [pipeline]
