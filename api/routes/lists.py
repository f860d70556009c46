from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["lists"], route_class=Transactional)
