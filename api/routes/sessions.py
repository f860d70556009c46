from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["sessions"], route_class=Transactional)
