"""What erasures are given: the store of blobs, the services to be told, the key of receipts."""

from activities.connections import Connections
from activities.erasures import Erasures, Tools
from core.db import Database
from core.keys import Keys
from core.settings import Settings
from integrations.blobs import Blobs
from integrations.http import Client
from workflows import vendors


def erasing(
    settings: Settings,
    keys: Keys,
    http: Client,
    dbs: tuple[Database, Database],
    blobs: Blobs,
    ending: Connections,
) -> Erasures:
    """`dbs` work as `vt_app` and as `vt_eraser`."""
    mails = settings.dev or settings.sendgrid_api_key is not None
    mail_service = vendors.sendgrid(settings, http) if mails else None
    app_db, eraser_db = dbs
    return Erasures(Tools(eraser_db, app_db, blobs, ending, mail_service, keys.signing))
