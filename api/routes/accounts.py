from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["accounts"], route_class=Transactional)
