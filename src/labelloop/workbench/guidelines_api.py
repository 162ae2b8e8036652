"""Owners save the guidelines of a run and add pictures to them, or look at how a text will be shown."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from labelloop.workbench.api import Owner, Person, TheWorkbench, written_by_our_page
from labelloop.workbench.guidelines import LONGEST_DESCRIPTION, LONGEST_SHORT, LONGEST_TEXT, Guidelines
from labelloop.workbench.markdown import as_html
from labelloop.workbench.pictures import ADDRESS, SCHEME, Pictures

router = APIRouter(prefix="/api", dependencies=[Depends(written_by_our_page)])
pictures = APIRouter()
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION)]


class SaveRequest(BaseModel):
    """New guidelines, with the number of the version that they were made of."""

    base: int = Field(ge=1, lt=10**9)
    short: str = Field(max_length=LONGEST_SHORT)
    text: Text
    classes: list[Description]


class PreviewRequest(BaseModel):
    """Markdown to be shown."""

    text: Text


class PictureRequest(BaseModel):
    """A PNG or JPEG."""

    base64: str


@router.post("/batch/{batch_id}/guidelines")
def save(workbench: TheWorkbench, owner: Owner, batch_id: str, given: SaveRequest) -> dict[str, Any]:
    saved = Guidelines(workbench.store).save(
        workbench.batch(batch_id),
        owner,
        given.base,
        short=given.short,
        text=given.text,
        classes=given.classes,
    )
    return {"version": saved.number}


@router.post("/guidelines/preview")
def preview(_owner: Owner, given: PreviewRequest) -> dict[str, Any]:
    return {"html": as_html(given.text)}


@router.post("/guidelines/pictures")
def add_picture(workbench: TheWorkbench, _owner: Owner, given: PictureRequest) -> dict[str, Any]:
    return {"source": SCHEME + Pictures(workbench.store).add(given.base64)}


@pictures.get(ADDRESS + "{name}")
def picture(workbench: TheWorkbench, _person: Person, name: str) -> Response:
    content, media_type = Pictures(workbench.store).of(name)
    # Under this name there is never another one.
    return Response(
        content, media_type=media_type, headers={"Cache-Control": "private, max-age=86400, immutable"}
    )
