"""The environment variables that limit the threads of numeric libraries."""

from __future__ import annotations

__all__ = ["THREAD_LIMITS"]

#: Read by the libraries when they load. They also decide the last bits of results.
THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
