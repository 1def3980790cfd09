"""mmdetection's own tools where mmcv has no compiled part: they need its operations at once.

    python -m lamcts.adapters.mmdet.tools train fcos_found.py
    python -m lamcts.adapters.mmdet.tools test fcos_found.py work_dirs/fcos_found/iter_300.pth

With compiled mmcv the tools can be called as they are.
"""

from __future__ import annotations

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

from lamcts.adapters.mmdet.requirements import require_mmdet
from lamcts.errors import InvalidArgument, LamctsError, did_you_mean

__all__ = ["main"]


def main(words: list[str]) -> int:
    """Run a tool by its name, with its own arguments."""
    try:
        require_mmdet()
        spec = find_spec("mmdet")
        folder = Path(str(spec and spec.origin)).parent / ".mim" / "tools"
        tools = folder.rglob("*.py")
        known = {str(tool.relative_to(folder).with_suffix("")): tool for tool in tools}
        if not words or words[0] not in known:
            name = words[0] if words else ""
            hint = did_you_mean(name, known if words else ("train", "test"))
            raise InvalidArgument(f"TOOL: {name!r} is no tool of mmdetection; {hint}")
        sys.argv = [str(known[words[0]]), *words[1:]]
        runpy.run_path(sys.argv[0], run_name="__main__")
    except LamctsError as error:  # of ours, also from within: a supernet that is gone
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
