from fastapi import APIRouter

from api.transaction import Transactional

router = APIRouter(tags=["reminders"], route_class=Transactional)
