"""What a step tells its scheduler, and the columns of an assembled row."""

RAN = 0  # done; nobody else is affected
WOKE = 1  # done; a blocked task may now be able to go on
BLOCKED = 2  # nothing happened (but for taking a place in a queue); T_WAIT says why
FINISHED = 3  # the task is done
NO_BRANCH = 4  # machine.apply has no branch for this op: never in a run, a test sees to it

ROW_OP, ROW_A, ROW_B, ROW_C, ROW_NEXT, ROW_ALT = range(6)
N_ROW = 6
