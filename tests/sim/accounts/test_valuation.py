"""What an account is worth is written once: nobody else multiplies a lot by its price."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from places import ROOT

OWNERS = {"sim/kernels/accounts/valuation.py", "sim/kernels/options/greeks.py"}  # the second prices a lot


def factors(product: ast.expr) -> Iterator[ast.expr]:
    """What a product multiplies."""
    if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult):
        yield from factors(product.left)
        yield from factors(product.right)
    else:
        yield product


def test_nobody_else_values_lots() -> None:
    found = set()
    for room in ("sim", "agents"):
        for path in (ROOT / room).rglob("*.py"):
            for product in ast.walk(ast.parse(path.read_text())):
                texts = (
                    {ast.unparse(each) for each in factors(product)}
                    if isinstance(product, ast.BinOp)
                    else set()
                )
                rows = {text.removesuffix("['lot']") for text in texts if text.endswith("['lot']")}
                if any(f"{row}['price']" in texts for row in rows):
                    found.add(str(path.relative_to(ROOT)))
    assert found == OWNERS
