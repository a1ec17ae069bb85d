"""Text in every script comes out as written, or the mail is refused with the name of the script: never boxes."""

from __future__ import annotations

import io
from collections.abc import Callable

import pypdfium2
import pytest
from PIL import Image

from mailfax.render import CannotRender, fonts, glyphs
from mailfax.render.language import language_of
from mailfax.render.text import draw_text
from tests.render.conftest import Render
from tests.render.paper import mail

pytestmark = pytest.mark.anyio

LETTERS = {
    "Greek": "Καλημέρα κόσμε, η παράδοση έγινε",
    "Cyrillic": "Добрый день, ваша накладная готова. Ґанок, ўсё, Љубав",
    "Hebrew": "שלום עולם, המסמך מצורף 123",
    "Arabic": "مرحبا بالعالم، الوثيقة مرفقة ١٢٣",
    "Persian": "سلام، پیوست گچ ژرف است ۴۵۶",
    "Hindi": "नमस्ते दुनिया, क्षत्रिय पत्र संलग्न है",
    "Bengali": "নমস্কার বাংলা চিঠি",
    "Tamil": "வணக்கம் தமிழ் கடிதம்",
    "Thai": "สวัสดีชาวโลก นี่คือจดหมายถึงผู้ใหญ่",
    "Simplified Chinese": "您好，合同已附上。请在星期五之前签字。",
    "Traditional Chinese": "您好，合約已附上。請在星期五之前簽字。",
    "Japanese": "こんにちは、契約書を添付しました。カタカナ｡",
    "Korean": "안녕하세요, 계약서를 첨부했습니다",
    "signs": "☐ ☑ ✓ ✔ → ⇒ ≠ ≤ ∑ € ₹ ₪ ½ ① ■ ★ ♥ ☎ ‰",
    "emoji": "😀 👍🏽 👨‍👩‍👧 🇩🇪 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣ 🚀 🎉",
    "combined": "e\u0301 a\u0323\u0302 Z\u0335 ậ",
}


@pytest.mark.parametrize("script", LETTERS)
async def test_a_letter_in_each_script_has_pages_and_nothing_left_out(script: str, render: Render) -> None:
    made = await render(mail((LETTERS[script] + "\n") * 20))
    assert made.pages == 1
    assert made.skipped == ()


@pytest.mark.parametrize("script", ["Simplified Chinese", "Traditional Chinese", "Japanese", "Korean", "Cyrillic"])
@pytest.mark.parametrize("kind", ["plain", "html"])
async def test_a_program_reads_the_same_characters_from_the_page(script: str, kind: str, render: Render) -> None:
    """The text layer too: no U+FFFD, no part of a character (U+2E80 to 2FD5) where the character was."""
    text = LETTERS[script] + " 民文龙鸟"
    made = await render(
        mail(text) if kind == "plain" else mail(None, html=f"<p style='font-family:Arial'>{text}</p>")
    )
    with pypdfium2.PdfDocument(made.content) as shown:
        read = shown[0].get_textpage().get_text_bounded()
    assert "".join(read.split()) == "".join(text.split())


def test_what_a_mail_says_of_its_language_decides() -> None:
    assert language_of("直雪", ["en", "ja-JP"]) == "ja"
    assert language_of("直雪", ["zh-Hant-HK"]) == "zh-HK"


@pytest.mark.parametrize("script", LETTERS)
def test_no_character_is_a_box(script: str, page: Callable[[str], Image.Image]) -> None:
    """Each character drawn alone differs from what a font draws for a code point that no font has."""
    box = page("\U000e8000")
    assert not glyphs.missing_glyphs(LETTERS[script])
    for char in sorted({char for char in LETTERS[script] if char.isalpha() or char in "☐☑✓→≠€■★😀🚀"}):
        drawn = page(char)
        assert drawn.getbbox() is not None, f"nothing is drawn for {char!r}"
        assert drawn.tobytes() != box.tobytes(), f"{char!r} is a box"


@pytest.fixture
def page() -> Callable[[str], Image.Image]:
    def drawn(text: str) -> Image.Image:
        with pypdfium2.PdfDocument(io.BytesIO(draw_text(text, "letter"))) as pdf:
            grey = pdf[0].render(scale=2, crop=(40, 700, 40, 40)).to_pil().convert("L")
        return grey.point(lambda value: 255 if value < 128 else 0)

    return drawn


def test_emoji_are_outlines_and_no_blots(page: Callable[[str], Image.Image]) -> None:
    drawn = page("😀")
    box = drawn.getbbox()
    assert box is not None
    face = drawn.crop(box)
    assert 0.1 < sum(value > 0 for value in face.tobytes()) / (face.width * face.height) < 0.6


def test_joined_arabic_is_not_the_sum_of_its_letters(page: Callable[[str], Image.Image]) -> None:
    joined, apart = page("سلام"), page("س\u200cل\u200cا\u200cم")
    assert joined.getbbox() != apart.getbbox()


async def test_a_script_without_a_font_is_refused_by_its_name(render: Render) -> None:
    with pytest.raises(CannotRender, match="Egyptian"):
        await render(mail("𓀀𓀁𓀂𓀃" * 200))


async def test_a_few_characters_without_a_font_are_named(render: Render) -> None:
    made = await render(mail("An ordinary letter of some length. " * 30 + "𓀀"))
    assert made.skipped == ("text of the mail: 1 character for which there is no font here (Egyptian)",)


def test_a_long_text_is_looked_at_to_its_end() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 5000))) + "𓀀"
    assert glyphs.missing_glyphs(text) == {"Egyptian": 1}


def test_characters_without_a_shape_need_no_glyph() -> None:
    assert glyphs.missing_glyphs("\u200d\ufe0f\u200e\u2066\u00ad\U000e0100\u034f") == {}


def test_private_and_unassigned_characters_are_missing() -> None:
    assert sum(glyphs.missing_glyphs("\ue000\U000e8000").values()) == 2


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello", ""),
        ("契約書を添付", "ja"),
        ("계약 契約", "ko"),
        ("请在星期五签字", "zh-CN"),
        ("請在星期五簽字", "zh-TW"),
    ],
)
def test_chinese_characters_get_the_shapes_of_their_language(text: str, language: str) -> None:
    assert language_of(text) == language


def test_every_script_that_check_names_is_covered() -> None:
    assert all(fonts.covered_scripts().values())
