from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["undo"], route_class=Transactional)
