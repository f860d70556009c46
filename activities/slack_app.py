"""What was done in Slack: carried out in one transaction, and answered after that."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from temporalio import activity

from activities import errors
from core import clock, crypto, logs, metrics
from core.crypto import Keyring
from core.db import Database, Transaction
from core.errors import Error, Gone, Invalid, Rejected, Unauthenticated, VendorError
from core.messages import SlackMessage
from core.models.connections import Direction, Provider
from core.models.slack_inbound import InboundKind
from core.rules import slack_buttons, slack_links
from core.rules.slack_links import Member as SlackMember
from core.services import (
    connection_activity,
    connections,
    slack_actions,
    slack_commands,
    slack_home,
    slack_inbound,
    slack_teams,
    users,
)
from core.services.connections import Connection
from core.services.slack_commands import Done
from core.services.slack_inbound import Ending, Inbound
from core.services.slack_replies import Notice, Reply
from core.services.slack_teams import Member
from core.services.voice_results import Using
from integrations import slack_replies
from integrations.slack import Slack
from integrations.slack_responses import Responses

log = logs.get(__name__)

TRIES: Final = 5  # of what is no error of ours on purpose; after some seconds it is no passing one
LINK: Final = "/api/v1/integrations/slack/link"
KEEP_THE_MESSAGE: Final = frozenset({Notice.REFUSED, Notice.FAILED, Notice.CLOSED, Notice.LINK})


class SlackApp:
    """`app_db` works as `vt_app`; `key` signs links to connect, which begin with `api_url`."""

    def __init__(
        self,
        app_db: Database,
        using: Using,
        ring: Keyring,
        slack: Slack,
        responses: Responses,
        *,
        key: bytes,
        api_url: str,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = app_db
        self._using = using
        self._ring = ring
        self._slack = slack
        self._responses = responses
        self._key = crypto.derive(key, slack_links.PURPOSE)
        self._link = api_url.rstrip("/") + LINK
        self._now = now

    @activity.defn(name="do_in_slack")
    async def handle(self, message: SlackMessage) -> bool:
        """Do what was asked; whether something is to be said to it.

        Run twice, it finds its row done, and does nothing.
        """
        try:
            return await self._handle(message.inbound_id)
        except Error as error:
            raise errors.translate(error) from error

    @activity.defn(name="answer_in_slack")
    async def answer(self, message: SlackMessage) -> None:
        """Say what came of it, at the address that Slack gave.

        Killed between saying and writing so, it says it again, to the one person who asked.
        """
        try:
            await self._answer(message.inbound_id)
        except Error as error:
            raise errors.translate(error) from error

    @activity.defn(name="keep_silent_in_slack")
    async def keep_silent(self, message: SlackMessage) -> None:
        """Forget what was to be said. Twice is harmless."""
        await self._be_silent(message.inbound_id)

    async def _be_silent(self, inbound_id: UUID) -> None:
        async with self._db.transaction() as tx:
            slack_inbound.said(tx, inbound_id, now=self._now())

    async def _handle(self, inbound_id: UUID) -> bool:
        permalink = await self._permalink(inbound_id)
        try:
            async with self._db.transaction() as tx:
                inbound = await slack_inbound.lock(tx, inbound_id)
                if inbound is None or inbound.body is None:
                    return inbound is not None and inbound.answer is not None
                ending = await self._done(tx, inbound, inbound.body, permalink)
                slack_inbound.done(tx, inbound, ending, now=self._now())
        except Unauthenticated:
            ending = await self._refused(inbound_id, Notice.CLOSED, "")
        except Rejected as error:
            ending = await self._refused(inbound_id, Notice.REFUSED, error.detail)
        except Exception as error:
            if isinstance(error, Error) or activity.info().attempt < TRIES:
                raise
            log.error("slack.not_done", subject_id=inbound_id, error=error)
            ending = await self._refused(inbound_id, Notice.FAILED, "")
        metrics.SLACK_INBOUND.labels(ending.result).inc()
        log.info("slack.done", subject_id=inbound_id, outcome=ending.result)
        return ending.answer is not None

    async def _done(
        self, tx: Transaction, inbound: Inbound, body: Mapping[str, Any], permalink: str | None
    ) -> Ending:
        if inbound.kind == InboundKind.EVENT:
            return await self._happened(tx, inbound, body)
        member = await slack_teams.find(tx, inbound.team_id, inbound.slack_user_id)
        if member is None:
            return Ending("unknown", answer=_answer(inbound, body, self._invitation(inbound)))
        talk = await slack_commands.begin(tx, member, self._using, now=self._now())
        match inbound.kind:
            case InboundKind.COMMAND:
                done = await slack_commands.run(talk, body["text"])
            case InboundKind.ACTION:
                done = await slack_actions.press(talk, body)
                if not body["response_url"]:  # in an App Home, which is shown anew
                    self._show_home(tx, member)
            case _:
                done = await slack_actions.make_todo(talk, body, permalink)
        self._record(tx, member, done, inbound.kind)
        return Ending(
            done.verb,
            user_id=member.user_id,
            change_set_id=done.reply.undo,
            answer=_answer(inbound, body, done.reply),
        )

    async def _happened(self, tx: Transaction, inbound: Inbound, body: Mapping[str, Any]) -> Ending:
        match body["type"]:
            case "app_home_opened":
                member = await slack_teams.find(tx, inbound.team_id, inbound.slack_user_id)
                if member is not None:
                    tx.act_in([member.workspace_id])
                    self._show_home(tx, member)
            case "app_uninstalled" | "tokens_revoked":
                told_at = inbound.received_at
                if body["at"] is not None:
                    told_at = datetime.fromtimestamp(body["at"], UTC)
                await slack_teams.sent_away(tx, inbound.team_id, told_at=told_at, now=self._now())
        return Ending(body["type"])

    async def _refused(self, inbound_id: UUID, notice: Notice, detail: str) -> Ending:
        """Write and tell why nothing was done, in a transaction of its own: the other is undone."""
        async with self._db.transaction() as tx:
            inbound = await slack_inbound.lock(tx, inbound_id)
            if inbound is None or inbound.body is None:
                return Ending("repeated", answer=inbound.answer if inbound else None)
            member = await slack_teams.find(tx, inbound.team_id, inbound.slack_user_id)
            reply = Reply(notice=notice, detail=detail)
            if member is not None and notice is not Notice.CLOSED:
                user = await users.get(tx, member.user_id)
                reply = replace(reply, locale=user.locale, zone=user.timezone)
            ending = Ending(
                str(notice),
                user_id=member.user_id if member else None,
                answer=_answer(inbound, inbound.body, reply),
            )
            slack_inbound.done(tx, inbound, ending, now=self._now())
        return ending

    async def _answer(self, inbound_id: UUID) -> None:
        async with self._db.transaction(read_only=True) as tx:
            inbound = await slack_inbound.get(tx, inbound_id)
        if inbound is not None and inbound.answer is not None:
            try:
                await self._responses.post(inbound.answer["url"], inbound.answer["message"])
            except Gone:
                log.warning("slack.not_answered", subject_id=inbound_id)
        await self._be_silent(inbound_id)

    def _show_home(self, tx: Transaction, member: Member) -> None:
        slack_home.publish(tx, member.workspace_id, member.connection_id, now=self._now())

    def _invitation(self, inbound: Inbound) -> Reply:
        who = SlackMember(inbound.team_id, inbound.slack_user_id)
        token = slack_links.token(self._key, who, now=self._now())
        return Reply(notice=Notice.LINK, url=f"{self._link}?token={token}")

    def _record(self, tx: Transaction, member: Member, done: Done, kind: str) -> None:
        """For the connection's own history: words of ours, no titles."""
        about = [did.line.id for did in done.reply.did if did.line.id is not None]
        connection_activity.record(
            tx,
            member.workspace_id,
            member.connection_id,
            Direction.READ,
            f"{kind}.{done.verb}",
            todo_id=about[0] if len(about) == 1 else None,
            now=self._now(),
        )

    async def _permalink(self, inbound_id: UUID) -> str | None:
        """Where a message stands that a todo is made of. Asked outside of any transaction."""
        async with self._db.transaction() as tx:
            inbound = await slack_inbound.get(tx, inbound_id)
        body = None if inbound is None else inbound.body
        if inbound is None or body is None or inbound.kind != InboundKind.SHORTCUT:
            return None
        if not body["channel"] or not body["ts"]:
            return None
        try:
            connection = await self._connection(inbound)
            if connection is not None:
                return await self._slack.permalink(
                    inbound.team_id, connection.secret, channel=body["channel"], ts=body["ts"]
                )
        except (VendorError, Invalid):  # a conversation that our app is not in, or a bad moment
            log.info("slack.no_permalink", subject_id=inbound_id)
        return _made_permalink(body)

    async def _connection(self, inbound: Inbound) -> Connection | None:
        async with self._db.transaction() as tx:
            member = await slack_teams.find(tx, inbound.team_id, inbound.slack_user_id)
            if member is None:
                return None
            tx.act_in([member.workspace_id], member.user_id)
            return await connections.find(
                tx, member.workspace_id, member.user_id, Provider.SLACK, ring=self._ring
            )


def _made_permalink(body: Mapping[str, Any]) -> str | None:
    """As Slack makes them: the archive of the team, the conversation, the instant without a dot."""
    if not body["domain"]:
        return None
    place = f"https://{body['domain']}.slack.com/archives/{body['channel']}"
    link = f"{place}/p{body['ts'].replace('.', '')}"
    thread = body["thread_ts"]
    return f"{link}?thread_ts={thread}&cid={body['channel']}" if thread else link


def _answer(inbound: Inbound, body: Mapping[str, Any], reply: Reply) -> dict[str, Any] | None:
    """Null where Slack named no address: what was pressed in an App Home is seen there."""
    if not body["response_url"]:
        return None
    replaces = (
        inbound.kind == InboundKind.ACTION
        and slack_buttons.is_ours(body["block_id"])
        and reply.notice not in KEEP_THE_MESSAGE
    )
    how: dict[str, Any] = (
        {"replace_original": True}
        if replaces
        else {
            "response_type": "ephemeral",
            "replace_original": False,
        }
    )
    return {"url": body["response_url"], "message": {**slack_replies.render(reply), **how}}
