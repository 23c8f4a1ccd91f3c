"""Who acts in a run: a design's parties and the scenario's bystanders, each with its steps and what it is told."""

from __future__ import annotations

from dataclasses import dataclass

from mmbench.machine.gather import FULL_CAPACITY, ON_STACK_SLOTS
from mmbench.machine.protocol import Role
from mmbench.scenarios.bystander import NEVER, Bystander
from mmbench.scenarios.last_user import drops_pin, shared_out
from mmbench.scenarios.scenario import Scenario
from mmbench.scenarios.slow_caller import asking_late
from mmbench.strategies.load import Loaded

MAX_TASKS_OF_A_RUN = 12


@dataclass(frozen=True)
class Task:
    """One task of a run: its role's steps, when it starts, and what the scenario tells it."""

    name: str
    role: Role
    start_ps: int
    lock_page: int = 0
    hold_ps: int = 0
    need_pages: int = 0
    next_victim_pages: int = 0
    slowness: int = 1
    capacity: int = FULL_CAPACITY
    waited_for: bool = True


def gather_capacity(s: Scenario, name: str) -> int:
    """mmu_gather slots of a task: under OOM only exit_mmap of the victim may get batch pages."""
    gets_pages = s.batch_pages == 2 or (s.batch_pages == 1 and name == "exit")
    return FULL_CAPACITY if gets_pages else ON_STACK_SLOTS


def as_designed(loaded: Loaded, s: Scenario) -> Scenario:
    """The scenario as a design lets it be: a caller that sends the SIGKILL itself begins at the kill."""
    if loaded.strategy.caller_kills and s.mrelease_start_ps != NEVER:
        return s.but(mrelease_start_ps=0, mrelease_grabs_ps=NEVER)
    return s


def roles_of(loaded: Loaded, s: Scenario, present: list[Bystander]) -> dict[str, Role]:
    """The steps of everybody, by key, exit first: with what a bystander changes in those of the parties."""
    exit_role = tuple(loaded.roles["exit"])
    before = tuple(step for one in present if one.of_victim for step in one.steps(s.values))
    roles = {"exit": (*before, *exit_role) if s.exit_start_ps != NEVER else ()}
    for party in ("reaper", "mrelease"):
        if s.values[f"{party}_start_ps"] != NEVER and party in loaded.roles:
            roles[party] = tuple(loaded.roles[party])
    if "mrelease" in roles and s.mrelease_grabs_ps != NEVER:
        roles["mrelease"] = asking_late(roles["mrelease"])
    theirs = {one.key: one.steps(s.values) for one in present if not one.of_victim}
    may_be_last = any(one.may_be_last_user and drops_pin(theirs[one.key]) for one in present if not one.of_victim)
    roles |= theirs
    return shared_out(roles) if may_be_last and roles["exit"] else roles


def plan_tasks(loaded: Loaded, s: Scenario, resident_pages: int, page: int) -> list[Task]:
    """The tasks of a run; those that a run waits for come first, exit always at 0. page: that holders lock, or -1."""
    present = [one for one in s.present if page >= 0 or not one.locks_page]
    roles = roles_of(loaded, s, present)
    needs = {one.key: one.need_pages(s.values, resident_pages) for one in s.bystanders if one.needs}
    next_victim = s.next_victim_pages or max(needs.values())
    faults = sum(needs.get(one.key, 0) for one in present if one.of_victim)
    tasks = [
        Task("exit", roles["exit"], max(s.exit_start_ps, 0), need_pages=faults, slowness=s.exit_slowness,
             capacity=gather_capacity(s, "exit"))
    ]  # fmt: skip
    if "reaper" in roles:
        tasks.append(Task("reaper", roles["reaper"], s.reaper_start_ps, capacity=gather_capacity(s, "reaper")))
    if "mrelease" in roles:
        start_ps = s.mrelease_start_ps if s.mrelease_grabs_ps == NEVER else s.mrelease_grabs_ps
        late_ps = s.mrelease_start_ps - start_ps
        capacity = gather_capacity(s, "mrelease")
        tasks.append(Task("mrelease", roles["mrelease"], start_ps, hold_ps=late_ps, capacity=capacity))
    for one in sorted(present, key=lambda one: not one.waited_for):
        if not one.of_victim:
            told = Task(
                one.name,
                roles[one.key],
                one.starts_ps,
                lock_page=page if one.locks_page else 0,
                hold_ps=s.values[one.holds] if one.holds else 0,
                need_pages=needs.get(one.key, 0),
                next_victim_pages=next_victim if one.needs else 0,
                slowness=s.values[one.slowness] if one.slowness else 1,
                capacity=gather_capacity(s, "exit"),
                waited_for=one.waited_for,
            )
            tasks += [told] * one.n_tasks
    return tasks
