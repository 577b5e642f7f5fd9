"""The teacher of a run: found by its URI, checked against the run's data, and its logits cached."""

from finesweep.runs.teachers.agreement import teacher_problems
from finesweep.runs.teachers.logits import teacher_logits
from finesweep.runs.teachers.reading import Teacher, read_teacher

__all__ = ["Teacher", "read_teacher", "teacher_logits", "teacher_problems"]
