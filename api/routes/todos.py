from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["todos"], route_class=Transactional)
