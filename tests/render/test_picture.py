"""Every kind of picture becomes the page that it shows."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from mailfax.render.kinds import Kind, kind_of
from mailfax.rules.submission import Part
from tests.render.conftest import Render
from tests.render.paper import ink, mail

pytestmark = pytest.mark.anyio

#: 96 x 64 dots, the upper left quarter black; made by libheif's heif-enc, because nothing in Python writes it.
HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0003(ZDn*}000000000XXk=`10000000000aA{+7000000000000000000004sdC7"
    "Z2$lO00031001IsY;R)#0000)KmY*%0RR9100CwI0RR9100000LI3~&BWY=FW&i*H00031000$fZf0cy000000RRAKc4ILB0002O"
    "X>f9I0001_X>en20001ZXm(>m0RwOV00000000009`FGC{rLC*01pEo0096PKmiN^|NjGU00093kN^M!000939=ZZRApijYD?$MQ"
    "18@KU0|1Z!00RI30{|YNFo6Y@>PacCZUh7j2mk;B00;m80{{p>A^-sZ2SfqEa<C#m0000KX>)L8000000001B0000$0000GaA|mH"
    "000000|*ER0000MX>e^}0000000001009Gm0)qem07`9SVRQfh06r)IuULxLfs$YU`skKll|%57N=Nm;0i+6;Nl)m<(C0DW5S!ov"
    "RIdVIEVEB8bQj_v(i6t+&-|y$)oJNK"
)


def quarter(form: str, **options: object) -> bytes:
    """The same picture in any format that Pillow writes."""
    image = Image.new("RGB", (96, 64), "white")
    image.paste("black", (0, 0, 48, 32))
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


FORMS = {
    "q.bmp": (quarter("BMP"), Kind.BMP),
    "q.webp": (quarter("WEBP", quality=90), Kind.WEBP),
    "q.avif": (quarter("AVIF", quality=90), Kind.AVIF),
    "q.jp2": (quarter("JPEG2000"), Kind.JPEG2000),
    "q.j2k": (quarter("JPEG2000", no_jp2=True), Kind.JPEG2000),
    "q.heic": (HEIC, Kind.HEIC),
    "q.ico": (quarter("ICO", sizes=[(96, 64)]), Kind.ICO),
}


@pytest.mark.parametrize("name", FORMS)
async def test_a_picture_of_any_kind_is_a_page(render: Render, name: str) -> None:
    content, kind = FORMS[name]
    assert kind_of(Part("photo", "application/octet-stream", content)) is kind
    made = await render(mail("", (name, "application/octet-stream", content)))
    assert (made.pages, made.contents) == (1, (f"{name}: page 1",))
    left, top, right, bottom = ink(made.content)
    # 96 dots an inch where the picture does not say: 72 points across, of which the left half is black.
    assert abs(right - left - 36) <= 2
    assert abs(bottom - top - 24) <= 2
