"""The steps of `core.rules.calendar_plans`, as the service takes them, with pauses between.

A generator: wherever it yields, another worker may run, people may edit, or it may be killed.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from uuid import UUID

from core.rules import calendar_deletions, calendar_policy
from core.rules import calendar_events as events
from core.rules.calendar_events import RemoteEvent
from core.rules.calendar_merge import plan
from core.rules.calendar_plans import EventWrite, Link, Missing, Op, Plan
from core.rules.calendar_policy import Policy
from tests.core.rules.calendar_sim.app import App, Pair
from tests.core.rules.calendar_sim.provider import (
    Changed,
    Expired,
    Gone,
    Lost,
    Provider,
    There,
)

CONNECTION: Final = UUID(int=7)
TRIES: Final = 6


class Fenced(Exception):
    """Another worker has begun since."""


class Sync:
    def __init__(self, app: App, provider: Provider, policy: Policy) -> None:
        self._app = app
        self._provider = provider
        self._policy = policy
        self._fence = 0
        self.carried = {"todo": 0, "event": 0}  # deletions, without asking anybody
        self.linked = 0

    def adopt_fence(self) -> None:
        """To carry out what a person decided."""
        self._fence = self._app.fence

    def run(self) -> Iterator[None]:
        """One run; ends early when no answer comes, to be begun again."""
        self._app.fence += 1
        self._fence = self._app.fence
        try:
            yield from self._pull()
            yield from self._push()
            yield from self._deletions()
        except (Lost, Fenced):
            return

    def _pull(self) -> Iterator[None]:
        token, page, whole = self._app.token, None, self._app.token is None
        seen: set[str] = set()
        while True:
            yield
            try:
                found, page, following = self._provider.list(token, page)
            except Expired:
                token, page, whole, seen = None, None, True, set()
                self._own()
                self._app.token = None
                continue
            yield
            self._own()
            for each in found:
                seen.add(each["id"])
                self._listed(events.read(each, zone="UTC"))
            if page is None:
                break
        if whole:
            for pair in self._app.pairs:
                # That a listing leaves an event out proves nothing: it is asked for by its id.
                unseen = pair.link.event_id not in seen and pair.link.base is not None
                pair.dirty |= unseen and not pair.over
        self._app.token = following

    def _listed(self, event: RemoteEvent) -> None:
        pair = self._app.of_event(event.id)
        if pair is None and event.id in self._app.retired:
            return
        if pair is None:
            if calendar_policy.refused(event, self._policy, CONNECTION) is None:
                self._taken(event)
            return
        if pair.gone:
            pair.dirty = True  # what is not looked at now is read later
            return
        if event.cancelled:
            pair.gone = None if pair.over else "event"
        elif pair.over:  # back from the dead, or an old listing: to be asked for by its id
            pair.doubted = True
        else:
            self._planned(pair, event)

    def _taken(self, event: RemoteEvent) -> None:
        """A new event becomes a todo."""
        link = Link(CONNECTION, event.id, origin=events.OF_EVENT)
        made = plan(link, None, event, now=self._app.clock())
        if made.todo is not None:
            self._app.making = event.id
            todo_id = self._app.apply(None, made.todo)
            link = replace(link, etag=event.etag, base=made.agreed)
            self._app.pairs.append(Pair(todo_id, link))

    def _planned(self, pair: Pair, event: RemoteEvent | Missing) -> Plan:
        """Steps 1 to 3."""
        before = pair.link
        unchanged = not isinstance(event, RemoteEvent) or event.etag == before.etag
        todo = self._app.view(pair.todo_id)
        made = plan(pair.link, todo, event, now=self._app.clock())
        if made.stale:
            return made
        if made.todo is not None:
            self._app.apply(pair.todo_id, made.todo)
        if isinstance(event, RemoteEvent) and made.agreed is not None:
            pair.link = replace(pair.link, etag=event.etag, base=made.agreed)
        pair.dirty = made.event is not None
        if made.event is None:
            pair.over = made.over
        elif made.event.event_id != pair.link.event_id:
            self._renew(pair, made.event.event_id, made.event.generation)
        deleting = made.event is not None and made.event.op is Op.DELETE
        # What takes a deletion back has to be heard of: until then it may still arrive.
        leaving = deleting or (before.leaving and unchanged and made.event is not None)
        pair.link = replace(pair.link, leaving=leaving, over=False)
        return made

    def _renew(self, pair: Pair, event_id: str, generation: int) -> None:
        """Another event; the one before is remembered, as an old listing may still show it."""
        self._app.retired.add(pair.link.event_id)
        self._app.retired.discard(event_id)
        pair.link = Link(CONNECTION, event_id, generation)

    def _push(self) -> Iterator[None]:
        yield
        self._own()
        app = self._app
        changed = list(dict.fromkeys(app.feed[app.seq :]))
        upto = len(app.feed)
        for todo_id in changed:
            self._paired(todo_id)
        for pair in [each for each in app.pairs if each.over and each.doubted]:
            yield
            event = self._read(pair)
            self._own()
            pair.doubted = False
            if pair.over and isinstance(event, RemoteEvent) and not event.cancelled:
                pair.over, pair.dirty = False, True
                pair.link = replace(pair.link, over=True)
            elif pair.over and self._wants(pair.todo_id):
                self._begun_anew(pair, pair.link.generation + 1)
        for pair in list(app.pairs):
            if not pair.over and not pair.gone and (pair.dirty or pair.todo_id in changed):
                yield from self._settle(pair)
        self._own()
        app.seq = max(app.seq, upto)

    def _paired(self, todo_id: UUID) -> None:
        """A todo that is to have an event gets a pair; one that was deleted waits."""
        todo, pair = self._app.todos[todo_id], self._app.of_todo(todo_id)
        wants = self._wants(todo_id)
        if pair is None:
            if wants:
                self._app.pairs.append(Pair(todo_id, Link.first(CONNECTION, todo_id)))
        elif pair.over and wants:
            if pair.link.base is not None:
                pair.doubted = True  # the event may be back as well
            else:
                self._begun_anew(pair, pair.link.generation)
        elif todo.deleted and not pair.over and pair.gone is None:
            pair.gone = "todo"

    def _wants(self, todo_id: UUID) -> bool:
        todo = self._app.todos[todo_id]
        return todo.due is not None and not todo.done and not todo.deleted

    def _begun_anew(self, pair: Pair, generation: int) -> None:
        link = Link.first(CONNECTION, pair.todo_id, generation=generation)
        self._renew(pair, link.event_id, generation)
        pair.over, pair.gone = False, None

    def _settle(self, pair: Pair, event: RemoteEvent | Missing = Missing.UNREAD) -> Iterator[None]:
        """Steps 1 to 5, begun again until both sides say the same."""
        if pair.dirty and event is Missing.UNREAD:
            yield
            event = self._read(pair)
        for _ in range(TRIES):
            self._own()
            made = self._planned(pair, event)
            if made.event is None:
                return
            yield
            try:
                answer = self._written(made.event)
            except (Changed, There) as refused:
                yield
                event = self._read(pair)
                if event is Missing.GONE and isinstance(refused, There):
                    event = Missing.USED
                continue
            except Gone:
                event = Missing.GONE
                continue
            yield
            self._own()
            pair.dirty, pair.over = False, made.over
            if not made.over:
                base = made.heard(answer)
                pair.link = replace(pair.link, etag=answer.etag, base=base, leaving=False)
            return

    def _written(self, write: EventWrite) -> RemoteEvent:
        body = write.body or {}
        if write.op is Op.INSERT:
            answer = self._provider.insert(write.event_id, body)
        elif write.op is Op.PATCH:
            answer = self._provider.patch(write.event_id, body, write.etag)
        else:
            answer = self._provider.delete(write.event_id, write.etag)
        return events.read(answer, zone="UTC")

    def _read(self, pair: Pair) -> RemoteEvent | Missing:
        try:
            return events.read(self._provider.get(pair.link.event_id), zone="UTC")
        except Gone:
            return Missing.GONE

    def _deletions(self) -> Iterator[None]:
        """What somebody deleted goes on the other side, too, unless it is too much at once."""
        yield
        self._own()
        linked = self.linked = sum(not each.over for each in self._app.pairs)
        for side in ("todo", "event"):
            found = [each for each in self._app.pairs if each.gone == side and not each.waits]
            if calendar_deletions.held(len(found), linked):
                for each in found:
                    each.waits = True
                continue
            for each in found:
                yield from self.follow(each)
                self.carried[side] += each.over

    def follow(self, pair: Pair) -> Iterator[None]:
        """Carry one deletion over, or what is stronger than it."""
        event: RemoteEvent | Missing = Missing.UNREAD
        if pair.gone == "event" or pair.dirty:
            yield
            event = self._read(pair)
        yield from self._settle(pair, event)
        pair.gone, pair.waits = None, False

    def _own(self) -> None:
        if self._fence != self._app.fence:
            raise Fenced
