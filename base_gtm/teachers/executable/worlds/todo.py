"""A list of tasks with priorities, due dates and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, day, pick, several, tool

Priority = Literal["low", "normal", "high", "urgent"]

_TITLES = (
    "Renew passport",
    "Call the plumber",
    "Prepare quarterly report",
    "Book dentist appointment",
    "Buy birthday present",
    "Review pull request",
    "Water the plants",
    "Send invoice to Hartmann",
    "Plan team offsite",
    "Clean the garage",
)
_TAGS = ("home", "work", "errand", "health", "finance")
_RANK: Mapping[Priority, int] = {"urgent": 0, "high": 1, "normal": 2, "low": 3}


@dataclass
class Task:
    """Something to do."""

    title: str
    priority: Priority
    due: date | None = None
    tags: list[str] = field(default_factory=list)
    done: bool = False


@dataclass
class TaskList:
    """Tasks by number; a deleted task's number is never given again."""

    tasks: dict[str, Task] = field(default_factory=dict)
    made: int = 0

    @classmethod
    def start(cls, rng: Random) -> TaskList:
        tasks = cls()
        for title in rng.sample(_TITLES, 3):
            priority: Priority = rng.choice(sorted(_RANK))
            due = date(2025, 5, rng.randint(5, 25)) if rng.random() < 0.7 else None
            tasks.add(Task(title, priority, due, [rng.choice(_TAGS)]))
        return tasks

    def add(self, task: Task) -> str:
        """Number a task."""
        self.made += 1
        number = f"T-{100 + self.made}"
        self.tasks[number] = task
        return number


TaskNumber = Annotated[
    str,
    Field(pattern="^T-[0-9]{3,6}$", description="Number of the task"),
    Of(lambda tasks, rng: rng.choice(sorted(tasks.tasks) or [None])),
    Wrong(pick("T-001", "T-042")),
]
OpenTask = Annotated[
    str,
    Field(pattern="^T-[0-9]{3,6}$", description="Number of an open task"),
    Of(lambda tasks, rng: rng.choice([number for number, task in tasks.tasks.items() if not task.done] or [None])),
    Wrong(pick("T-001", "T-042")),
]
Tag = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,19}$", description="Label in small letters"), Like(pick(*_TAGS))]


class TaskView(Result):
    task: str = Field(description="Number of the task")
    title: str = Field(description="What to do")
    priority: Priority = Field(description="How much it matters")
    due: date | None = Field(description="Day by which it is to be done")
    tags: list[str] = Field(description="Labels, by alphabet")
    done: bool = Field(description="Whether it is done")


class TaskViews(Result):
    tasks: list[TaskView] = Field(description="Tasks found")
    count: int = Field(description="How many were found")


@tool(
    "Productivity",
    "Tasks",
    "Remind me: {title}.",
    "New task: {title}, priority {priority}.",
    "Put '{title}' on my list, it is {priority} and due on {due}.",
    "I have to do this by {due}: {title}.",
    "Add a task '{title}' due {due} with priority {priority} and the tags {tags}.",
)
def create_task(
    state: TaskList,
    title: Annotated[str, Field(min_length=1, max_length=120, description="What to do"), Like(pick(*_TITLES))],
    priority: Annotated[
        Priority, Field(description="How much it matters"), Like(pick("low", "normal", "high", "urgent"))
    ] = "normal",
    due: Annotated[
        date | None, Field(description="Day by which it is to be done"), Like(day("2025-05-05", "2025-05-30"))
    ] = None,
    tags: Annotated[
        list[Tag] | None,
        Field(min_length=1, max_length=5, description="Labels in small letters"),
        Like(several(pick(*_TAGS), 1, 2, unique=True), 0.3),
    ] = None,
) -> TaskView:
    """Put a task on the list; a label given twice counts once."""
    task = Task(title, priority, due, sorted(set(tags or ())))
    return _view(state.add(task), task)


class Completion(Result):
    task: str = Field(description="Number of the task")
    title: str = Field(description="What was done")
    still_open: int = Field(description="Open tasks that are left")


@tool("Productivity", "Tasks", "{task} is done.", "Tick off {task}, please.")
def complete_task(state: TaskList, task: OpenTask) -> Completion:
    """Mark an open task as done."""
    found = _open(state, task)
    found.done = True
    return Completion(task=task, title=found.title, still_open=len(_undone(state)))


@tool("Productivity", "Tasks", "Move {task} to {due}.", "I will not manage {task} in time. Make it due on {due}.")
def reschedule_task(
    state: TaskList,
    task: OpenTask,
    due: Annotated[date, Field(description="New day by which it is to be done"), Like(day("2025-05-10", "2025-06-15"))],
) -> TaskView:
    """Give an open task another due date."""
    found = _open(state, task)
    found.due = due
    return _view(task, found)


@tool("Productivity", "Labels", "Label {task} as {tag}.", "{task} belongs to {tag}. Tag it accordingly.")
def tag_task(state: TaskList, task: TaskNumber, tag: Tag) -> TaskView:
    """Add a label to a task that does not have it yet."""
    found = _task(state, task)
    if tag in found.tags:
        raise Refused(f"parameter 'tag': {task} has the tag '{tag}' already; its tags are {', '.join(found.tags)}")
    found.tags = sorted([*found.tags, tag])
    return _view(task, found)


@tool(
    "Productivity",
    "Lists",
    "What is on my list?",
    "Show me my tasks by {sort_by}.",
    "Which tasks are {status}?",
    "List tasks that are {status}, sorted by {sort_by}.",
)
def list_tasks(
    state: TaskList,
    status: Annotated[
        Literal["open", "done", "all"], Field(description="Which tasks"), Like(pick("open", "done", "all"), 0.4)
    ] = "open",
    sort_by: Annotated[
        Literal["number", "due", "priority"], Field(description="Order"), Like(pick("number", "due", "priority"), 0.6)
    ] = "number",
) -> TaskViews:
    """Tasks of the list by number, by due date (none comes last) or by priority (urgent first); equals by number."""
    found = [
        (number, task) for number, task in state.tasks.items() if status in ("all", "done" if task.done else "open")
    ]
    if sort_by == "due":
        found.sort(key=lambda one: one[1].due or date.max)
    if sort_by == "priority":
        found.sort(key=lambda one: _RANK[one[1].priority])
    return _views(found)


@tool(
    "Productivity",
    "Lists",
    "Find my open tasks about '{text}'.",
    "Is there something on my list with '{text}', tagged {tag}?",
    "Search every task, done ones too ({include_done}), for '{text}'.",
)
def search_tasks(
    state: TaskList,
    text: Annotated[
        str,
        Field(min_length=1, max_length=60, description="Part of the title, small and capital letters alike"),
        Like(pick("the", "report", "book", "plan", "re", "birthday")),
    ],
    tag: Annotated[
        str | None, Field(pattern="^[a-z][a-z0-9-]{0,19}$", description="Label it must have"), Like(pick(*_TAGS), 0.2)
    ] = None,
    include_done: Annotated[bool, Field(description="Whether done tasks count"), Like(pick(True, False), 0.3)] = False,
) -> TaskViews:
    """Tasks whose title contains a text, by number."""
    return _views(
        (number, task)
        for number, task in state.tasks.items()
        if text.lower() in task.title.lower() and tag in (None, *task.tags) and (include_done or not task.done)
    )


class LateTask(Result):
    task: str = Field(description="Number of the task")
    title: str = Field(description="What to do")
    days_late: int = Field(description="Days since it was due")


class LateTasks(Result):
    tasks: list[LateTask] = Field(description="Overdue tasks, latest first, equals by number")
    on_time: int = Field(description="Open tasks that are not overdue")


@tool("Productivity", "Lists", "It is {day}. What am I late with?", "Which tasks are overdue on {day}?")
def overdue_tasks(
    state: TaskList,
    day: Annotated[date, Field(description="Day that counts as today"), Like(day("2025-05-10", "2025-06-05"))],
) -> LateTasks:
    """Open tasks whose due date lies before a day."""
    undone = _undone(state)
    late = [
        LateTask(task=number, title=task.title, days_late=(day - task.due).days)
        for number, task in undone.items()
        if task.due is not None and task.due < day
    ]
    late.sort(key=lambda one: -one.days_late)
    return LateTasks(tasks=late, on_time=len(undone) - len(late))


class Deletion(Result):
    task: str = Field(description="Number of the task that is no more")
    was_done: bool = Field(description="Whether it had been done")
    tasks_left: int = Field(description="Tasks on the list, done and open")


@tool("Productivity", "Tasks", "Delete {task}.", "Please take {task} off my list altogether.")
def delete_task(state: TaskList, task: TaskNumber) -> Deletion:
    """Take a task off the list, done or not."""
    found = _task(state, task)
    del state.tasks[task]
    return Deletion(task=task, was_done=found.done, tasks_left=len(state.tasks))


def _task(tasks: TaskList, number: str) -> Task:
    if number not in tasks.tasks:
        known = ", ".join(sorted(tasks.tasks)) or "none"
        raise Refused(f"parameter 'task': there is no task '{number}'; tasks on the list: {known}")
    return tasks.tasks[number]


def _open(tasks: TaskList, number: str) -> Task:
    task = _task(tasks, number)
    if task.done:
        raise Refused(f"parameter 'task': {number} ('{task.title}') is done already; name an open task")
    return task


def _undone(tasks: TaskList) -> dict[str, Task]:
    return {number: task for number, task in tasks.tasks.items() if not task.done}


def _view(number: str, task: Task) -> TaskView:
    return TaskView(task=number, title=task.title, priority=task.priority, due=task.due, tags=task.tags, done=task.done)


def _views(tasks: Iterable[tuple[str, Task]]) -> TaskViews:
    views = [_view(number, task) for number, task in tasks]
    return TaskViews(tasks=views, count=len(views))
