from fastapi import APIRouter
from starlette.responses import HTMLResponse

from api.paths import V1
from api.schemas.preferences import PreviewBody
from api.transaction import Authenticated
from api.visit import Visit
from core.rules import digest_words
from core.rules.digests import Frequency
from core.services import digest_previews
from core.services.digest_previews import DigestPreview
from integrations.email_links import Links
from integrations.emails import Emails

router = APIRouter(prefix=f"{V1}/digests", tags=["notifications"], route_class=Authenticated)


@router.post("/preview", operation_id="preview_digest")
async def preview_digest(visit: Visit, body: PreviewBody | None = None) -> DigestPreview:
    """The digest that I would get now. Nothing is sent, and no period counts as told."""
    return await _preview(visit, body.frequency if body else None)


@router.get("/preview", operation_id="show_digest_preview", response_class=HTMLResponse)
async def show_preview(visit: Visit, frequency: Frequency | None = None) -> HTMLResponse:
    """As a page: the e-mail, as a mail program shows it."""
    preview = await _preview(visit, None if frequency is Frequency.OFF else frequency)
    return HTMLResponse(preview.html)


async def _preview(visit: Visit, frequency: Frequency | None) -> DigestPreview:
    content, send = await digest_previews.read(
        visit.tx, visit.actor, frequency=frequency, now=visit.now
    )
    links = Links.of(visit.app.state.settings.api_url, visit.door.key)
    mail = Emails(links).digest(send, content)
    return DigestPreview(
        subject=mail.subject,
        frequency=content.frequency,
        sections=digest_previews.sections(content),
        streak=content.streak,
        short=[send.title, *digest_words.lines(content, send.person.locale)],
        text=mail.text,
        html=mail.html,
    )
