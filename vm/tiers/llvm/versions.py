"""Loops in two versions: one for when all that they will touch is known to be inside, and the usual one.

An access under guard pages traps by itself, so LLVM must not drop it, or move it over another
(``Builder.access``), and vectorises no loop with one. A loop that can be planned (``vm.tiers.llvm.ranges``)
is checked when it is entered, at whichever round: how many rounds are left, and from where to where each of
its accesses will go. If all that lies inside the memory, which does not shrink, nothing can trap, and the
loop runs as a copy in which

- accesses are plain: LLVM may drop, combine, reorder and vectorise them;
- rounds are counted, and pointers go on from where they start, in 64 bits: no sum can overflow.

Otherwise, for one byte too far or a number of rounds that never comes out, it runs as ever, and traps exactly
where it must. The copy ends with a barrier: an access behind it may trap, and what it has stored must be
there then, so LLVM may not take it for overwritten.

Loops stay as they are where each round counts something, and where threads may share a memory.
"""

from __future__ import annotations

from vm.tiers.llvm.ranges import Below, Condition, Differs, Group, Plan, Sum, plan
from vm.tiers.llvm.translate import Control, Translator

_FEWEST = 8
"""Rounds for which the copy is worth its checks."""


def version(t: Translator, control: Control) -> None:
    """Emit, behind the label of a loop that has just been opened, the copy for when all of it is known to be
    inside. The usual version gets another label.
    """
    found = plan(t.module, t.next, t.local_types) if _may(t, control) else None
    if found is None:
        return
    sure, careful, control.behind = t.label("sure"), t.label("careful"), t.label("behind")
    rounds = _Rounds(t, found.condition)
    starts = [t.value(f"zext i32 {_emit(t, group.start)} to i64") for group in found.groups]
    for group, start in zip(found.groups, starts, strict=True):
        rounds.keep_inside(t, group, start)
    t.effect(f"br i1 {rounds.fine}, label %{sure}, label %{careful}")
    t.block(sure)
    _copy(t, found, rounds.last, starts)
    t.effect('call void asm sideeffect "", "~{memory}"()')
    t.effect(f"br label %{control.behind}")
    t.block(careful)
    control.label = careful


def _may(t: Translator, control: Control) -> bool:
    """Whether a loop may have a copy at all."""
    counts = t.metering.active or t.profile.counts
    return t.versions and not counts and not control.carried and not control.type.results


class _Rounds:
    """Of a loop that is about to be entered: an i64, the number of its rounds less one (``last``), and an i1,
    whether that is so and all was found to be inside so far (``fine``).
    """

    def __init__(self, t: Translator, condition: Condition) -> None:
        self.fine = "true"
        if isinstance(condition, Differs):
            self.last = self._until_equal(t, condition)
        else:
            self.last = self._until_above(t, condition)
        self._require(t, f"icmp uge i64 {self.last}, {_FEWEST - 1}")

    def _until_equal(self, t: Translator, condition: Differs) -> str:
        """The first round, from 0, after which the distance is 0, if it can get there without passing."""
        far, stride = _emit(t, condition.distance), abs(condition.stride)
        if condition.stride > 0:
            far = t.value(f"sub i32 0, {far}")
        last = t.value(f"udiv i32 {far}, {stride}")
        self._require(t, f"icmp eq i32 {far}, " + t.value(f"mul i32 {last}, {stride}"))
        return t.value(f"zext i32 {last} to i64")

    def _until_above(self, t: Translator, condition: Below) -> str:
        """The first round, from 0, after which the index is not below the bound, if it gets there without
        going past 2^32.
        """
        index, bound, stride = _emit(t, condition.index), _emit(t, condition.bound), condition.stride
        self._require(t, f"icmp ule i32 {bound}, {(1 << 32) - stride}")
        gap = t.value(f"zext i32 {t.value(f'call i32 @llvm.usub.sat.i32(i32 {bound}, i32 {index})')} to i64")
        return t.value(f"udiv i64 {t.value(f'add nuw nsw i64 {gap}, {stride - 1}')}, {stride}")

    def keep_inside(self, t: Translator, group: Group, start: str) -> None:
        """Have a group, whose lowest index begins at ``start``, lie inside."""
        span = t.value(f"mul nuw nsw i64 {self.last}, {abs(group.step)}")
        top = start
        if group.step < 0:
            self._require(t, f"icmp uge i64 {start}, {span}")
        else:
            top = t.value(f"add nuw i64 {start}, {span}")
        end = t.value(f"add nuw i64 {top}, {group.reach}")
        self._require(t, f"icmp ule i64 {end}, {t.memory_length(group.memory)}")

    def _require(self, t: Translator, condition: str) -> None:
        self.fine = t.value(f"and i1 {self.fine}, {t.value(condition)}")


def _emit(t: Translator, sum: Sum) -> str:
    """What a sum is now: an i32."""
    total = str(sum.constant)
    for index, factor in sum.factors:
        term = t.value(f"mul i32 {t.local_value(index)}, {factor}")
        total = t.value(f"add i32 {term}, {total}")
    return total


def _copy(t: Translator, found: Plan, last: str, starts: list[str]) -> None:
    """Emit the loop for when everything is inside, from its own block on to behind it."""
    bases = [t.offset_pointer(g.memory, start) for g, start in zip(found.groups, starts, strict=True)]
    rounds, count = t.value(f"add nuw nsw i64 {last}, 1"), t.slot("i64")
    head, left = t.label("round"), t.label("left")
    t.effect(f"store i64 0, ptr {count}")
    t.effect(f"br label %{head}")
    t.block(head)
    done = t.value(f"load i64, ptr {count}")
    for group, base in zip(found.groups, bases, strict=True):
        gone = t.value(f"mul nsw i64 {done}, {group.step}")
        pointer = t.value(f"getelementptr i8, ptr {base}, i64 {gone}")
        t.inside |= {at: (pointer, ahead) for at, ahead in group.ahead.items()}
    _body(t, found.branch)
    following = t.value(f"add nuw nsw i64 {done}, 1")
    t.effect(f"store i64 {following}, ptr {count}")
    t.effect(f"br i1 {t.value(f'icmp ne i64 {following}, {rounds}')}, label %{head}, label %{left}")
    t.block(left)


def _body(t: Translator, end: int) -> None:
    """Translate the loop's code up to offset ``end``, where no access traps; its condition is not needed."""
    here, following, access = t.here, t.next, t.access
    t.access = ""
    while t.next < end:
        t.step(t.next)
    t.pop()
    t.inside.clear()
    t.here, t.next, t.access = here, following, access
