"""What owners do about people."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from labelloop.workbench.api import Owner, TheWorkbench, written_by_our_page
from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.invitations import Invitations
from labelloop.workbench.service import Workbench
from labelloop.workbench.tasks import Role

_LONGEST_NAME = 256

router = APIRouter(prefix="/api", dependencies=[Depends(written_by_our_page)])
invitations = APIRouter(prefix="/api/people", dependencies=[Depends(written_by_our_page)])


class InviteRequest(BaseModel):
    """Whom to make a link for; with `again`, in place of an earlier one."""

    name: str = Field(max_length=_LONGEST_NAME)
    role: Role
    again: bool = False


class PersonRequest(BaseModel):
    """The identity of the person who is meant."""

    person: str = Field(min_length=1, max_length=_LONGEST_NAME)


class SharedRequest(BaseModel):
    """Whether the address that people share lets anybody in."""

    closed: bool


@router.post("/people/pause")
def pause(workbench: TheWorkbench, owner: Owner, given: PersonRequest) -> dict[str, Any]:
    if given.person == owner:
        raise RefusedError("you cannot pause yourself")
    workbench.pause_person(_known(workbench, given.person))
    return {"paused": True}


@router.post("/people/resume")
def resume(workbench: TheWorkbench, _owner: Owner, given: PersonRequest) -> dict[str, Any]:
    workbench.resume_person(_known(workbench, given.person))
    return {"paused": False}


@router.post("/batch/{batch_id}/discard")
def discard(workbench: TheWorkbench, owner: Owner, batch_id: str, given: PersonRequest) -> dict[str, Any]:
    return {"discarded": workbench.discard(batch_id, given.person, owner)}


def _known(workbench: Workbench, person: str) -> str:
    names = workbench.store.people()
    if person not in names and person not in names.values():
        raise NotFoundError("there is no such person: load the page again")
    return person


@invitations.post("/invite")
def invite(request: Request, workbench: TheWorkbench, owner: Owner, given: InviteRequest) -> dict[str, Any]:
    """The link is in this answer alone: the store cannot tell it again."""
    member, key = Invitations(workbench.store).invite(given.name, given.role, by=owner, again=given.again)
    return {"name": member.id, "role": member.role, "link": entrance(request, key)}


@invitations.post("/withdraw")
def withdraw(workbench: TheWorkbench, _owner: Owner, given: PersonRequest) -> dict[str, Any]:
    Invitations(workbench.store).withdraw(given.person)
    workbench.take_leases(given.person)
    return {"withdrawn": True}


@invitations.post("/shared")
def close_shared(workbench: TheWorkbench, _owner: Owner, given: SharedRequest) -> dict[str, Any]:
    Invitations(workbench.store).close_shared(closed=given.closed)
    return {"closed": given.closed}


def entrance(request: Request, key: str) -> str:
    """The address that lets somebody in with this key."""
    address = request.app.state.address or str(request.base_url).rstrip("/")
    return f"{address}/enter?key={key}"
