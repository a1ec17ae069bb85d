"""Whole mails in the manner of Outlook, Gmail, Apple Mail and a newsletter, on pages."""

from __future__ import annotations

import pypdfium2.raw as pdfium
import pytest

from tests.render.test_html import drawn

NEWSLETTER = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"><html><head><meta name=viewport
content="width=device-width"><style type="text/css">
body{margin:0;padding:0;background:#f4f4f4} .wrap{width:600px;background:#fff}
.btn{background:#e4572e;color:#fff!important;padding:12px
24px;border-radius:4px;text-decoration:none;display:inline-block;font-weight:bold}
.footer{color:#999;font-size:11px} h1{font-size:28px;color:#fff} .hero{background:#123456} @media only screen
and (max-width:480px){.wrap{width:100%!important}.desk{display:none!important}} .mob{display:none} @media
(prefers-color-scheme:dark){.wrap{background:#000}}
</style></head><body><div
style="display:none;font-size:1px;color:#fff;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden">
Preheader secret</div>
<table width="100%" bgcolor="#f4f4f4" cellpadding=0 cellspacing=0><tr><td align=center>
<table class=wrap width=600 cellpadding=0 cellspacing=0><tr><td style="padding:20px"><img src="cid:logo"
width=120 height=40 alt=Logo></td></tr>
<tr><td class=hero style="padding:30px"><h1>Autumn offers</h1><p style="color:#cfd8dc">Save 20 % on
everything until Friday.</p></td></tr>
<tr><td><img src="cid:hero" width=600 height=200 style="display:block;width:600px;height:200px"></td></tr>
<tr><td style="padding:20px"><p class=desk>Desktop only line.</p><p class=mob>Mobile only line.</p>
<table width="100%"><tr><td width="50%" valign=top><img src="cid:p1" width="260" height="260"
style="width:100%;height:auto"><br><b>Oak door</b><br>1,230.00</td><td width="50%" valign=top><img
src="cid:p2" width=260 height=260><br><b>Steel gate</b><br>2,480.00</td></tr></table>
<p align=center><a href="https://x.example" class=btn>Order now</a></p>
<!--[if mso]><v:roundrect><center>MSO BUTTON</center></v:roundrect><![endif]--><!--[if !mso]><!--><a
style="background:#007c89;color:#ffffff;mso-hide:all;padding:8px" href=x>Bulletproof
button</a><!--<![endif]-->
</td></tr><tr><td class=footer style="padding:20px">You receive this mail because … <a href=u>Unsubscribe</a>
<img src="https://t.example/o.gif" width=1 height=1><img src="https://t.example/fb.png" width=24 height=24
alt="Facebook"></td></tr></table></td></tr></table></body></html>"""

OUTLOOK = """<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"><head>
<meta http-equiv=Content-Type content="text/html; charset=utf-8"><!--[if !mso]><style>v\\:*
{behavior:url(#default#VML);}</style><![endif]--><style><!--
@font-face {font-family:Wingdings;panose-1:5 0 0 0 0 0 0 0 0 0;} @font-face {font-family:Calibri;}
p.MsoNormal, li.MsoNormal, div.MsoNormal
{margin:0cm;margin-bottom:.0001pt;font-size:11.0pt;font-family:"Calibri",sans-serif;mso-fareast-language:EN-US;}
p.MsoListParagraph {margin-left:36.0pt} span.E-MailFormatvorlage17
{mso-style-type:personal-compose;color:windowtext;} @page WordSection1 {size:612.0pt 792.0pt;margin:70.85pt;}
div.WordSection1 {page:WordSection1;}
--></style></head><body lang=EN-US link="#0563C1"><div class=WordSection1><p class=MsoNormal><span
lang=EN-US>Dear Bob,<o:p></o:p></span></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>
<p class=MsoListParagraph style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt "Times New
Roman"'>&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp; </span></span></span><![endif]>first bullet with a rather long
text that goes on and on until the line is full and another one has to begin below<o:p></o:p></p>
<p class=MsoNormal>Great <span style='font-family:Wingdings'>J</span> done <span
style='font-family:Wingdings'>ü</span></p>
<table class=MsoTableGrid border=1 cellspacing=0 cellpadding=0
style='border-collapse:collapse;border:none'><tr><td width=208 valign=top style='width:155.8pt;border:solid
windowtext 1.0pt;padding:0cm 5.4pt 0cm 5.4pt;background:#1F4E79'><p class=MsoNormal><b><span
style='color:white'>Position</span></b></p></td><td width=208 style='width:155.8pt;border:solid windowtext
1.0pt;border-left:none'><p class=MsoNormal>Price</p></td></tr><tr><td style='border:solid windowtext
1.0pt;border-top:none'><p class=MsoNormal>Oak door</p></td><td align=right style='border:solid windowtext
1.0pt'><p class=MsoNormal>1 230,00</p></td></tr></table>
<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p
class=MsoNormal><b>From:</b> Alice &lt;alice@example.com&gt;<br><b>Sent:</b> Monday<br><b>Subject:</b> AW:
Offer</p></div></div></body></html>"""

APPLE = """<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body
style="overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break:
after-white-space;"><div>Hello,</div><div><br></div><div>photo below <img apple-inline="yes" id="0C1"
src="cid:photo" width="4032" height="3024"></div><div><div style="caret-color: rgb(0, 0, 0); color: rgb(0, 0,
0);">Kind regards<span class="Apple-converted-space">&nbsp;</span></div><blockquote type="cite"><div>Am
01.02.2026 um 10:00 schrieb Bob:</div><br class="Apple-interchange-newline"><div><div>quoted
words</div></div></blockquote></div></body></html>"""

GMAIL = """<div dir="ltr">Hi Bob,<div><br></div><div>see <font color="#ffffff"
style="background-color:rgb(11,83,148)">white on blue</font></div><div><img src="cid:logo" alt="image.png"
width="562" height="187"><br></div><br clear="all"><div class="gmail_quote gmail_quote_container"><div
dir="ltr" class="gmail_attr">On Mon, Alice wrote:<br></div><blockquote class="gmail_quote" style="margin:0px
0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">quoted <blockquote>twice
quoted</blockquote></blockquote></div></div>"""

#: Everything that hides, or only seems to: the case of a mail that came out blank.
WHITE = """<html><head><style>a.mcnButton{color:#FFFFFF !important} .hero td{background-color:#1f4e79 !important}
.hero{color:#fff}</style></head><body><p>Visible line one.</p>
<p><a class="mcnButton" href="https://x" style="background:#007c89">CLASS BUTTON confirm order 4711</a></p>
<p><a href="https://x" style="color:#ffffff !important;background-color:#007c89;padding:8px">INLINE BUTTON</a></p>
<table class="hero"><tr><td>HERO TEXT total 99.50 Euro</td></tr></table>
<p style="color:#ffffff">plain white is fine</p><p style="opacity:0.1 !important">OPACITY text</p>
<p style="-webkit-text-fill-color:#fff">FILL text</p><p style="display:none">HIDDEN preheader</p>
<p style="visibility:hidden">invisible words</p><p style="filter:invert(1)">filter text</p></body></html>"""


@pytest.mark.parametrize(
    ("page", "has", "never", "left_out", "pictures"),
    [
        (
            NEWSLETTER.replace("cid:hero", "cid:wide").replace("cid:p1", "cid:photo").replace("cid:p2", "cid:photo"),
            "Autumn offers|Save 20 %|Desktop only line.|Oak door|Steel gate|Order now|Bulletproof button|Unsubscribe",
            "Preheader|Mobile|MSO BUTTON",
            ["mail: 1 picture kept on the internet (nothing is fetched from there)"],
            4,
        ),
        (
            OUTLOOK,
            "Dear Bob,|•|first bullet|Great ☺ done ✓|Position|Price|Oak door|1 230,00|From: Alice",
            "J|ü",
            [],
            0,
        ),
        (APPLE, "Hello,|photo below|Kind regards|schrieb Bob:|quoted words", "cid", [], 1),
        (GMAIL, "Hi Bob,|white on blue|Alice wrote:|quoted|twice quoted", "image.png", [], 1),
        (
            WHITE,
            "Visible line one.|CLASS BUTTON|INLINE BUTTON|HERO TEXT|plain white is fine|OPACITY|FILL|filter text",
            "HIDDEN|invisible",
            [],
            0,
        ),
    ],
    ids=["newsletter", "Outlook", "Apple Mail", "Gmail", "white text"],
)
def test_a_mail_is_on_the_page_as_it_was_seen(
    page: str, has: str, never: str, left_out: list[str], pictures: int
) -> None:
    made = drawn(page)
    at = 0
    for words in has.split("|"):
        found = made.words.find(words, at)
        assert found >= 0, f"{words!r} is not in {made.words!r}"
        at = found
    assert not [words for words in never.split("|") if words in made.words]
    assert made.left_out == left_out
    assert len(made.objects(pdfium.FPDF_PAGEOBJ_IMAGE)) == pictures
    look, inked = made.look(), []
    for left, bottom, right, top in made.objects(pdfium.FPDF_PAGEOBJ_TEXT):
        box = look.crop((int(left * 2), int(1584 - top * 2), int(right * 2) + 1, int(1584 - bottom * 2) + 1))
        dark = sum(value < 110 for value in box.tobytes()) / (box.width * box.height)
        assert dark < 0.7, "a bar over the text"
        inked.append(dark > 0.02)
    assert sum(inked) >= 0.8 * len(inked), "what is written is black; some pieces are blanks"
