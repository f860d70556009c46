from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["tags"], route_class=Transactional)
