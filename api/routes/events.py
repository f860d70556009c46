from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["events"], route_class=Transactional)
