"""Genotypes from text: published ones by name, any other as JSON or as a code."""

from __future__ import annotations

import json

from lamcts.adapters.nasnet_cifar.bits import from_bits, mask_length
from lamcts.adapters.nasnet_cifar.encoding import DARTS, LANAS, ONE_SHOT, Encoding
from lamcts.adapters.nasnet_cifar.genotype import Genotype
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

__all__ = ["NAMED_GENOTYPES", "parse_genotype"]

#: The code of LaNet as LaNAS publishes it: 93.43 % in its trace of short trainings, the best of
#: 5,402; 99.03 % is reported after the long recipe (Wang et al., TPAMI 2021).
LANET_CODE = (
    *(2, 2, 0, 2, 1, 2, 0, 2, 2, 3, 2, 1, 2, 0),
    *(0, 1, 1, 1, 2, 1, 1, 0, 3, 4, 3, 0, 3, 1),
)

#: The second-order cells of the DARTS paper (Liu et al., ICLR 2019, figures 4 and 5).
DARTS_V2_CODE = (
    *(3, 3, 3, 3, 3, 2, 2, 5, 0, 1, 0, 1, 1, 0, 0, 2),  # normal: operations, inputs
    *(0, 0, 2, 0, 0, 2, 2, 0, 0, 1, 2, 1, 0, 2, 2, 1),  # reduction
)

NAMED_GENOTYPES = {"lanet": LANAS.decode(LANET_CODE), "darts-v2": DARTS.decode(DARTS_V2_CODE)}

_FORM = 'JSON {"normal": {...}, "reduction": {...}}, or a code as a list of integers'


def parse_genotype(text: str, encoding: Encoding = LANAS) -> Genotype:
    """The genotype that ``text`` means, numbered as written.

    Args:
        text: A name of `NAMED_GENOTYPES`; or JSON as `Genotype.to_json` gives it; or a list of
            integers: a point of ``encoding``, or a mask of the one-shot space.
        encoding: Whose points lists are.

    Raises:
        UnknownName: No genotype has this name.
        InvalidArgument: It is no valid genotype.

    >>> parse_genotype("lanet").normal.concat
    (5, 6, 7, 8)
    """
    name = text.strip().lower()
    if name in NAMED_GENOTYPES:
        return NAMED_GENOTYPES[name]
    if not name.startswith(("{", "[")):
        raise UnknownName(
            f"arch: {text!r} is no known name, nor {_FORM}; {did_you_mean(name, NAMED_GENOTYPES)}"
        )
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidArgument(f"arch: not JSON ({error}); give {_FORM}") from None
    if isinstance(data, dict):
        return Genotype.from_json(data)
    if encoding.name == ONE_SHOT.name and len(data) in (1, mask_length(encoding)):
        return from_bits(data, encoding)
    return encoding.decode(data)
