from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["me"], route_class=Transactional)
