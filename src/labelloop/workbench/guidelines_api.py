"""Owners save the guidelines of a run, or look at how a text will be shown."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from labelloop.workbench.api import Owner, TheWorkbench, written_by_our_page
from labelloop.workbench.guidelines import LONGEST_DESCRIPTION, LONGEST_SHORT, LONGEST_TEXT, Guidelines
from labelloop.workbench.markdown import as_html

router = APIRouter(prefix="/api", dependencies=[Depends(written_by_our_page)])
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
