"""A strategy as plain data: the assembled rows that the interpreter in a real kernel reads."""

from __future__ import annotations

from mmbench.machine.assemble import assemble
from mmbench.machine.ops import BY_CODE
from mmbench.machine.status import ROW_A, ROW_ALT, ROW_NEXT, ROW_OP
from mmbench.records.lab_types import PlainDesign, PlainRow
from mmbench.strategies.load import Loaded


def plain_rows(design: Loaded) -> PlainDesign:
    """``name``; ``rows``, each {label, op (its name), args, next, otherwise}; ``roles``: role -> [first row, end].

    ``caller_kills``: whether its process_mrelease sends the SIGKILL itself.
    """
    program = assemble(design.roles)
    starts = [*program.starts.values(), len(program.rows)]
    rows: list[PlainRow] = [
        {
            "label": label,
            "op": BY_CODE[int(row[ROW_OP])].name,
            "args": [int(arg) for arg in row[ROW_A : ROW_A + 3]],
            "next": int(row[ROW_NEXT]),
            "otherwise": int(row[ROW_ALT]),
        }
        for row, (_, label) in zip(program.rows, program.labels, strict=True)
    ]
    roles = {role: [first, end] for role, first, end in zip(program.starts, starts, starts[1:], strict=False)}
    return {"name": design.name, "rows": rows, "roles": roles, "caller_kills": design.strategy.caller_kills}
