"""The page: paste a bulletin or choose a file, see its measures highlighted.

It works without a script: a form that is sent, and the page that `tagger predict --format html`
writes as the answer, under the same form. So nothing is fetched from anywhere, and no script of
a hostile bulletin could run even if one got through.
"""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import HTMLResponse

from tagger.bulletins.bulletin import Bulletin
from tagger.bulletins.reading import FORMATS
from tagger.errors import InputError, TaggerError, UsageError
from tagger.service import answers
from tagger.service.failures import status_of
from tagger.service.rest import QUICK_CHARS
from tagger.service.workplace import Workplace

_SAMPLE = "云溪县公安局夏季治安工作"
_STYLE = """<style>
form.ask{border:1px solid #ccd;border-radius:.5rem;padding:1rem 1.2rem;margin:1rem 0 2rem;background:#f7f8fb}
form.ask h1{margin:0 0 .2rem;font-size:1.25rem}form.ask h1 small{font-weight:400;color:#667;font-size:.9rem}
form.ask p{margin:.2rem 0 .6rem;color:#445;font-size:.9rem;line-height:1.6}
form.ask label{display:block;font-weight:600;margin:.6rem 0 .2rem}
form.ask textarea{width:100%;box-sizing:border-box;min-height:11rem;font:inherit;line-height:1.7;padding:.5rem .7rem;
border:1px solid #bbc;border-radius:.3rem;resize:vertical;background:#fff;color:inherit}
form.ask .short textarea{min-height:4.5rem}
form.ask input[type=file]{display:block;width:100%;box-sizing:border-box;padding:1rem;border:2px dashed #aab;
border-radius:.3rem;background:#fff;font:inherit;font-size:.9rem}
form.ask input[type=file]:hover,form.ask input[type=file]:focus-visible{border-color:#1f5fbf;background:#f0f5ff}
form.ask button{font:inherit;font-weight:600;margin-top:.9rem;padding:.45rem 1.6rem;border:0;border-radius:.3rem;
background:#1f5fbf;color:#fff;cursor:pointer}form.ask button:hover,form.ask button:focus-visible{background:#174a96}
.fault{border-left:4px solid #c62828;background:#fdecea;padding:.5rem .9rem;margin:1rem 0;border-radius:.2rem}
.fault b{display:block}
</style>
"""


def page_routes(place: Workplace) -> APIRouter:
    """``/``, asked and sent to."""
    router = APIRouter(include_in_schema=False)

    @router.get("/", response_class=HTMLResponse)
    async def show() -> HTMLResponse:
        """The empty form."""
        return HTMLResponse(_page(place, _form()))

    @router.post("/", response_class=HTMLResponse)
    async def tag(text: Annotated[str, Form()] = "", file: Annotated[UploadFile | None, File()] = None) -> HTMLResponse:
        """The form with what was tagged below it, or with what is wrong."""
        try:
            bulletin = await _bulletin(place, text, file)
            lane = place.quick if len(bulletin.original) <= QUICK_CHARS else place.long
            model = place.duty.model
            section = await lane.run(answers.page, bulletin, model)
        except TaggerError as error:
            return HTMLResponse(_page(place, _form(text) + _fault(error)), status_of(error))
        return HTMLResponse(_page(place, _form(text, is_short=True) + section))

    return router


async def _bulletin(place: Workplace, text: str, file: UploadFile | None) -> Bulletin:
    """What was sent: a file if there is one, else the text."""
    name = answers.base_name(file.filename) if file else ""
    if not file or not name:  # a browser sends a nameless empty file where none was chosen
        # A browser sends every line break as CR LF.
        return await place.reading.run(answers.bulletin_of_text, text.replace("\r\n", "\n"), "—")
    if text.strip():
        raise UsageError("found a text and a file, expected one of them", hint="Clear the text to tag the file.")
    if answers.is_records(name):
        raise InputError("a file of records", where=name, hint="Send it to /predict/file, or use tagger predict.")
    return await place.reading.run(answers.bulletin_of_file, await file.read(), name)


def _page(place: Workplace, content: str) -> str:
    start, end = answers.page_frame(place.duty.model)
    return f"{start}{_STYLE}{content}{end}"


def _form(text: str = "", *, is_short: bool = False) -> str:
    kinds = ",".join(FORMATS)
    short, focus = (' class="short"', "") if is_short else ("", " autofocus")
    return f"""<form class="ask" method="post" action="/" enctype="multipart/form-data">
<h1>公安通报举措标注 <small>Tag the measures of a police bulletin</small></h1>
<p>粘贴一篇通报,或选择(拖入)一个文件,查看每条举措属于哪些警务领域。文本只由本服务处理,不会保存。<br>
Paste a bulletin, or choose or drop a file, to see which domains its measures belong to. Nothing is stored.</p>
<div{short}><label for="text">通报正文 Text</label>
<textarea id="text" name="text" placeholder="{_SAMPLE}…"{focus}>
{escape(text)}</textarea></div>
<label for="file">或文件 Or a file <small>({escape(" ".join(FORMATS))})</small></label>
<input type="file" id="file" name="file" accept="{kinds}">
<button type="submit">标注 Tag</button>
</form>
"""


def _fault(error: TaggerError) -> str:
    return f'<div class="fault" role="alert"><b>未能标注 Nothing was tagged</b>{escape(str(error))}</div>\n'
