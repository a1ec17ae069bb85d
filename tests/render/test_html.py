"""HTML as its sender saw it: each kind of shape, what must be readable on the page and what must not."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from urllib.parse import quote

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from PIL import Image

from mailfax.render import html as module
from mailfax.render.html import add_html
from mailfax.render.kinds import Kind
from mailfax.render.markup import read_markup
from mailfax.render.pdf import Document
from mailfax.render.plan import Source
from mailfax.render.terms import Terms
from mailfax.render.words import text_of
from mailfax.render.work import Work
from mailfax.rules.submission import NotFaxable, Part
from tests.render.paper import logo, picture

TERMS = Terms(paper="letter", pages=30, document_bytes=3_000_000, seconds=20)
PICTURES = {
    "logo": Part("logo.png", "image/png", logo()),
    "wide": Part("wide.png", "image/png", picture("PNG", (1200, 400))),
    "photo": Part("photo.jpg", "image/jpeg", picture("JPEG", (400, 300))),
    "half": Part("half.jpg", "image/jpeg", picture("JPEG", (400, 300))[:-500]),
}


HALF = PICTURES["half"].content


def in_page(content: bytes) -> str:
    """A picture as its own address."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


@dataclass(frozen=True)
class Page:
    """What came of HTML: the words of all pages, what was left out, and the document."""

    words: str
    left_out: list[str]
    pdf: bytes

    @classmethod
    def of(cls, left_out: list[str], made: bytes) -> Page:
        """What stands on the pages of a document."""
        with pypdfium2.PdfDocument(made) as pdf:
            return cls(
                " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in pdf), left_out, made
            )

    def objects(self, kind: int) -> list[tuple[float, float, float, float]]:
        """The boxes of the objects of a kind on the first page, in points."""
        with pypdfium2.PdfDocument(self.pdf) as pdf:
            return [each.get_bounds() for each in pdf[0].get_objects(filter=[kind])]

    def look(self) -> Image.Image:
        with pypdfium2.PdfDocument(self.pdf) as pdf:
            return pdf[0].render(scale=2).to_pil().convert("L")


def drawn(page: str) -> Page:
    document = Document("letter", 30)
    left_out = add_html(
        Source("mail", Kind.HTML, Part("mail", "text/html", b"", page)), Work(PICTURES, document, TERMS)
    )
    if not document.pages:
        return Page("", left_out, b"")
    return Page.of(left_out, document.save())


#: Name, HTML, what is on the page (in order, "|" between), what is not.
SHAPES = [
    # Parsing, as HTML5 does.
    ("script closed badly", "<script>x</script language><p>Answer</p>", "Answer", "x"),
    ("comment closed badly", "a <!-- gone --!> b", "a b", "gone"),
    ("comment never closed", "a <!-- gone", "a", "gone"),
    ("unquoted and unclosed", "<p class=a>one<p>two<b>bold", "one|two|bold", ""),
    ("xmp", "<xmp><b>raw</b></xmp>", "<b>raw</b>", ""),
    ("plaintext", "a<plaintext><b>raw", "a|<b>raw", ""),
    ("noscript", "<noscript>shown</noscript>", "shown", ""),
    ("title and template", "<title>gone</title><template>gone</template>here", "here", "gone"),
    ("entities", "&amp;lt; &euro; &nbsp;x &#8211; &hellip;", "&lt; €|x –", "&euro"),
    ("unknown tags", "<o:p>one</o:p><my-tag>two</my-tag>", "one|two", ""),
    ("conditional comments", "<!--[if mso]>MSO<![endif]--><!--[if !mso]><!-->web<!--<![endif]-->", "web", "MSO"),
    ("revealed conditional", "<![if !supportLists]>·<![endif]>item", "·item", "support"),
    ("vml", "<!--[if gte mso 9]><v:rect>VML</v:rect><![endif]-->text", "text", "VML"),
    # Hidden by its sender, or not.
    ("display none", "<div style='display:none'>gone</div>here", "here", "gone"),
    (
        "display none important",
        "<style>.x{display:none!important}</style><p class=x style='display:block'>gone</p>h",
        "h",
        "gone",
    ),
    (
        "class wins over tag",
        "<style>.x{display:block} p{display:none}</style><p class=x>here</p><p>gone</p>",
        "here",
        "gone",
    ),
    ("later wins", "<style>p{display:none} p{display:block}</style><p>here", "here", ""),
    (
        "telephone only",
        "<style>.m{display:none}@media(max-width:480px){.m{display:block}.d{display:none}}</style>"
        "<p class=m>gone</p><p class=d>here</p>",
        "here",
        "gone",
    ),
    ("print only", "<style>@media print{.s{display:none}}</style><p class=s>here", "here", ""),
    ("visibility", "<p style='visibility:hidden'>gone <b style='visibility:visible'>here</b></p>", "here", "gone"),
    ("opacity 0", "<div style='opacity:0'>gone</div>here", "here", "gone"),
    ("font-size 0", "<div style='font-size:0'>gone<i style='font-size:12px'>here</i></div>", "here", "gone"),
    ("max-height 0", "<div style='max-height:0;overflow:hidden'>gone</div>here", "here", "gone"),
    ("hidden attribute", "<p hidden>gone</p>here", "here", "gone"),
    ("colour of its ground", "<div style='color:#fff;background:white'>gone</div>here", "here", "gone"),
    (
        "preheader",
        "<span style='display:none!important;mso-hide:all;font-size:1px;color:#fff'>gone</span>here",
        "here",
        "gone",
    ),
    ("white on nothing", "<p style='color:#fff !important'>here", "here", ""),
    (
        "white on blue by class",
        "<style>td{background:#036!important} .b{color:#fff!important}</style><table class=b><tr><td>here</table>",
        "here",
        "",
    ),
    ("white on a picture", "<td style='color:#fff;background:#fff url(x.png)'>here", "here", ""),
    ("bulletproof button", "<a style='background:#036;color:#fff;mso-hide:all'>here</a>", "here", ""),
    # Never cut, never laid over other text.
    (
        "scroll box",
        "<div style='max-height:20px;overflow:auto'>a<br>b<br>c<br>LAST</div>after",
        "a b c LAST|after",
        "",
    ),
    ("fixed height", "<div style='height:20px;overflow:hidden'>a<br>b<br>LAST</div>after", "a b LAST|after", ""),
    ("absolute", "<p>one<div style='position:absolute;top:0;left:0'>two</div><p>three", "one two three", ""),
    ("off the page", "<p style='position:relative;left:900px'>one<p style='margin-left:2000px'>two", "one two", ""),
    ("negative margin", "<p>one<p style='margin-top:-40px'>two", "one two", ""),
    ("no wrap", "<div style='white-space:nowrap'>" + "word " * 100 + "LAST</div>", "word|LAST", ""),
    ("pre", "<pre>" + "x" * 300 + "LAST\n  two</pre>", "LAST", ""),
    ("long address in a table", "<table><tr><td>https://x/" + "a" * 300 + "<td>LAST</table>", "LAST", ""),
    ("line height 0", "<p style='line-height:0'>one<br>two", "one two", ""),
    ("generated", "<style>p::before{content:'»'}</style><p>x", "»x", ""),
    ("wide table", "<table width=3000><tr><td width=2000>left<td>RIGHT</table>", "left RIGHT", ""),
    ("30 columns", "<table><tr>" + "".join(f"<td>{n}0000" for n in range(10, 40)) + "</table>", "100000|390000", ""),
    # What a screen draws by itself.
    ("text field", "<input value='Jane Doe'><input type=hidden value=gone>", "Jane Doe", "gone"),
    ("checkbox", "<input type=checkbox checked>yes<input type=checkbox>no", "☑yes☐no", ""),
    ("radio", "<input type=radio checked>yes<input type=radio>no", "◉yes○no", ""),
    ("password", "<input type=password value=secret>x", "•", "secret"),
    ("placeholder", "<input placeholder=Name>", "Name", ""),
    ("select", "<select><option>gone<option selected>27</select>", "27", "gone"),
    ("select without choice", "<select><option>first<option>gone</select>", "first", "gone"),
    ("multiple select", "<select multiple><option selected>a<option>b</select>", "☑ a|☐ b", ""),
    ("textarea", "<textarea>Please ring\ntwice</textarea>", "Please ring twice", ""),
    ("button", "<button>Send <b>now</b></button><input type=submit value=Go>", "Send now Go", ""),
    ("gauges", "<progress value=3 max=10></progress> <meter value=.7>x</meter>", "30 % 70 %", ""),
    ("list value", "<ol><li value=5>fifth<li>sixth</ol>", "5. fifth 6. sixth", "1."),
    ("list start", "<ol type=a start=3><li>third</ol>", "c. third", ""),
    ("list reversed", "<ol reversed><li>one<li>two</ol>", "2. one 1. two", ""),
    ("details", "<details><summary>Sum</summary>inner</details>", "Sum inner", ""),
    ("dialog", "<dialog>gone</dialog><dialog open>here</dialog>", "here", "gone"),
    ("ruby", "<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "(kan)", "(("),
    ("deleted and inserted", "<del>old</del> <ins>new</ins>", "old new", ""),
    ("svg", "<svg width=200 height=40><text x=5 y=20>Drawn</text><script>gone</script></svg>", "Drawn", "gone"),
    (
        "mathml",
        "<math><mi>a</mi><mo>=</mo><mfrac><mn>1</mn><mrow><mi>x</mi><mo>+</mo><mn>1</mn></mrow></mfrac></math>",
        "a=1/(x+1)",
        "",
    ),
    ("root", "<math><msqrt><mn>5</mn></msqrt><mroot><mi>x</mi><mn>3</mn></mroot></math>", "√(5)3√(x)", ""),
    ("fraction with a root", "<math><mfrac><msqrt><mn>2</mn></msqrt><mn>7</mn></mfrac></math>", "√(2)/7", ""),
    ("fenced", "<math><mfenced><mi>a</mi><mi>b</mi></mfenced></math>", "(a,b)", ""),
    (
        "numbers of a style",
        "<style>h2{counter-increment:s}h2:before{content:counter(s) '. '}</style><h2>First</h2><h2>Second</h2>",
        "1. First 2. Second",
        "",
    ),
    ("title of XHTML", "<?xml version='1.0'?><html><head><title/></head><body><p>here<script/> too", "here too", ""),
    ("srcdoc", "<iframe srcdoc='<p>inner words'></iframe>", "inner words", ""),
    ("fallback of an object", "<object data=x><p>fallback</p></object>", "fallback", ""),
    (
        "Wingdings 2 and 3, Webdings",
        "<p style='font-family:\"Wingdings 2\"'>P£</p><font face='Wingdings 3'>}</font> <font face=Webdings>a",
        "✓☐|►|✔",
        "P",
    ),
    (
        "a font of signs only for what others lack",
        '<p style=\'font-family:-apple-system,"Segoe UI",Arial,"Segoe UI Emoji","Segoe UI Symbol"\'>Hello</p>'
        "<p style='font-family:X;mso-bidi-font-family:Symbol'>Jane</p><p style='font:9px Segoe UI Symbol'>Doe</p>"
        "<font face=Symbol>a <font face=Arial>end</font></font><p style='font:9pt Symbol'>b</p>",
        "Hello|Jane|Doe|α|end|β",
        "ω",
    ),
    (
        "Wingdings of Outlook",
        "<span style='font-family:Wingdings'>J ü</span> <font face=Symbol>·</font>",
        "☺ ✓ •",
        "J",
    ),
    ("right to left", "<p dir=rtl>שלום <b>עולם</b></p>", "שלום עולם", ""),
    ("font shorthand", "<p style='font:7.0pt \"Times New Roman\"'>small", "small", ""),
    ("form feed of a style", "<style>p{color:red}</style \n><p>here", "here", "color"),
]


@pytest.mark.parametrize(
    ("page", "has", "never"), [shape[1:] for shape in SHAPES], ids=[shape[0] for shape in SHAPES]
)
def test_a_shape_has_its_words_on_the_page(page: str, has: str, never: str) -> None:
    made = drawn(page)
    at = 0
    for words in has.split("|"):
        found = made.words.find(words, at)
        assert found >= 0, f"{words!r} is not in {made.words!r}"
        at = found + len(words)
    assert not never or never not in made.words
    assert not any("layout" in told for told in made.left_out), made.left_out


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<img src=https://x/a.png width=9 height=9>x", "1 picture kept on the internet"),
        ("<img src=//x/a.png><img src=http://x/b.png>x", "2 pictures kept on the internet"),
        ("<img src=a.png>x", "1 picture with an address that leads nowhere"),
        ("<img src=cid:nothing>x", "1 picture that the mail does not have"),
        ("<img src=cid:half>x", "half.jpg: a picture in the text, which is damaged"),
        (f"<img src='{in_page(HALF)}'>x", "1 picture in the text that is damaged"),
        (f"<img src='{in_page(HALF)}'>", "1 picture in the text that is damaged"),
        (
            f"<img src='{in_page(HALF)}'><img src='data:image/gif;base64,'>x",
            "2 pictures in the text that are damaged",
        ),
        ("<img src='data:image/svg+xml,<svg><g>'>x", "1 picture in the text that is damaged"),
        ("<img src='data:image/png,nothing'>x", "1 picture in the text that could not be drawn"),
        (
            "<img src=cid:logo> <img src=cid:logo> <img src='data:image/png,x'>x",
            "1 picture in the text that could not",
        ),
        (f"<svg><image href='{in_page(HALF)}'/></svg>x", "1 picture within a drawing, which is damaged"),
        (f"<iframe srcdoc='<img src={in_page(HALF)}>'></iframe>x", "1 picture in the text that is damaged"),
        ("<p style='background:url(cid:logo)'>x", "logo.png: a picture behind the text of the mail"),
        ("<iframe src=x></iframe>x", "a page within the page"),
        ("<video src=x></video><video></video>x", "a video (2 times)"),
        ("<p style='color:red;background:red'>two words</p>x", "2 words in the colour of its background"),
        ("<div></div>", "it has nothing that can be seen"),
        ("<div>" * 5000 + "x", "its layout and pictures (only its text could be drawn)"),
    ],
)
def test_what_is_left_out_is_named(page: str, told: str) -> None:
    assert any(told in each for each in drawn(page).left_out), drawn(page).left_out


@pytest.mark.parametrize(
    "address",
    [
        in_page(logo()),
        in_page(logo()).replace(",", ", ").rstrip("="),
        "data:image/png," + quote(logo()),
        "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='99' height='50'>"
        "<rect width='99' height='50'/></svg>",
    ],
)
def test_a_picture_in_the_page_itself_is_drawn(address: str) -> None:
    made = drawn(f'<img src="{address}" width=99 height=50>')
    assert made.left_out == []
    assert made.look().getextrema()[0] == 0  # type: ignore[comparison-overlap]


def test_a_white_logo_in_the_page_itself_is_drawn_in_black() -> None:
    white = Image.open(io.BytesIO(logo())).point([255] * 768 + list(range(256)))
    file = io.BytesIO()
    white.save(file, "PNG")
    assert sum(value < 100 for value in drawn(f"<img src='{in_page(file.getvalue())}'>").look().tobytes()) > 1000


@pytest.mark.parametrize(
    "ground",
    [
        "<table bgcolor=white><tr><td background='https://x/hero.jpg'>",
        "<div style='background:#fff'><div style='background-image:url(https://x/hero.jpg)'>",
        "<style>body{background:#fff}.h{background-image:linear-gradient(90deg,#036,#069)}</style><div class=h>",
        "<body bgcolor=white><div style='background:linear-gradient(#fff,#069)'>",
        "<body bgcolor=white><div style='background:var(--brand)'>",
        "<body bgcolor=white><div style='background-color:rgba(255,255,255,0.2)'>",
        "<body bgcolor=white><img src=cid:photo><div style='position:absolute;top:10px'>",
        "<body bgcolor=white><v:rect fillcolor='#036'>",
    ],
)
def test_white_words_on_what_is_not_known_to_be_white_are_drawn(ground: str) -> None:
    made = drawn(f"{ground}<font color=white>Autumn offers</font>")
    assert "Autumn offers" in made.words
    assert not any("colour of its background" in told for told in made.left_out)


@pytest.mark.parametrize(
    "ground",
    [
        "<td bgcolor='#ffffff'>",
        "<p style='background:none'>",
        "<p style='background-color:transparent'>",
        "<p style='background-color:rgba(0,0,0,0)'>",
        "<p style='background-color:rgba(255,255,255,0.95);background-image:none'>",
        "<p style='position:relative'>",
    ],
)
def test_white_words_on_white_are_named(ground: str) -> None:
    made = drawn(f"<div style='background:#fff'>seen<table>{ground}<font color=white>not seen")
    assert "not seen" not in made.words
    assert made.left_out == ["mail: 2 words in the colour of its background"]


def test_a_picture_that_only_watches_is_not_missed() -> None:
    assert drawn("<img src=https://x/a.gif width=1 height=1>x").left_out == []


def test_the_same_picture_twice_is_no_damage() -> None:
    made = drawn("<img src=cid:logo width=120><p>x</p><img src=cid:logo width=60>")
    assert len(made.objects(pdfium.FPDF_PAGEOBJ_IMAGE)) == 2


@pytest.mark.parametrize(
    ("page", "ratio"),
    [
        ("<img src=cid:wide width=1200 height=400>", 3),
        ("<table width=200><tr><td><img src=cid:wide width=1200 height=400></table>", 3),
        ("<img src=cid:photo style='width:900px;height:675px'>", 4 / 3),
        ("<img src=cid:photo style='width:50%;height:20px'>", 4 / 3),
        ("<img src=cid:logo width=300 height=4>", 75),
    ],
)
def test_pictures_keep_the_shape_that_was_meant(page: str, ratio: float) -> None:
    ((left, bottom, right, top),) = drawn(page).objects(pdfium.FPDF_PAGEOBJ_IMAGE)
    assert (right - left) / (top - bottom) == pytest.approx(ratio, rel=0.05)
    assert left >= 50
    assert right <= 562


def test_all_text_is_black_on_white() -> None:
    made = drawn(
        "<style>*{color:#fff!important;background:#036!important}</style><p style='color:#eee!important'>here"
    )
    look = made.look()
    dark = sum(value < 100 for value in look.tobytes())
    assert 100 < dark < 5000, "neither blank nor a bar"


@pytest.mark.parametrize(("align", "left"), [("center", 256), ("right", 461), ("left", 51), ("", 51)])
def test_the_place_of_a_table_is_not_that_of_its_text(align: str, left: float) -> None:
    page = f"<table align='{align}' width=133 cellspacing=0 cellpadding=0><tr><td>x</td></tr></table>"
    assert drawn(page).objects(pdfium.FPDF_PAGEOBJ_TEXT)[0][0] == pytest.approx(left, abs=2)


def test_a_border_that_is_not_seen_is_not_drawn() -> None:
    made = drawn("<div style='border:20px solid #ffffff'>x</div>")
    assert sum(value < 100 for value in made.look().tobytes()) < 200


def test_words_that_an_engine_loses_are_drawn_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted loss: the engine forgets a paragraph."""
    engine = module.draw_html
    monkeypatch.setattr(
        module, "draw_html", lambda page, *rest, **more: engine(page.replace("4711", ""), *rest, **more)
    )
    made = drawn("<p>Order 4711</p><p>Kind regards</p>")
    assert "4711" in made.words
    assert made.left_out == ["mail: its layout and pictures (only its text could be drawn)"]


def test_the_text_for_a_cover_is_what_is_seen() -> None:
    page = "<style>.x{display:none}</style><p class=x>gone</p><p>Name: <input value=Jane></p>"
    assert "Jane" in text_of(page)
    assert "gone" not in text_of(page)


def test_reading_is_bounded() -> None:
    for page in (
        "<div>" * 100_000,
        "<b>" * 50_000,
        "<table><tr><td>" * 2000,
        "<p style='" + "a:b;" * 100_000 + "'>x",
    ):
        read_markup(page)


def test_pages_are_counted_before_they_are_written() -> None:
    with pytest.raises(NotFaxable, match="The fax would have 31 pages, but one fax can have 30 at most"):
        drawn('<p style="break-after:page">x</p>' * 30 + "<p>y")


def test_a_table_beyond_measure_is_drawn_as_its_words() -> None:
    made = drawn("<style>gone</style><table>" + "<tr><td>1</td><td></td></tr>" * 40_000 + "</table>")
    assert made.left_out == ["mail: its layout and pictures (only its text could be drawn)"]
    assert made.words.count("1") == 40_000 and "gone" not in made.words
