import os
from pathlib import Path

import pytest

from core.crypto import Keyring
from core.db import Database
from core.epochs import Epochs, SubjectRing
from tests.core.services.desks import Desk
from tests.core.services.keyrings import Site


@pytest.fixture
def desk(app_db: Database, worker_db: Database) -> Desk:
    return Desk(app_db, worker_db)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The ring of an installation as each of its processes loads it anew."""
    key = os.urandom(32)

    def loaded(*, kept_s: float = 60, folder: str = "epochs") -> SubjectRing:
        epochs = Epochs(tmp_path / folder, Keyring((key,)), kept_s=kept_s)
        return SubjectRing((key,), epochs)

    return loaded
