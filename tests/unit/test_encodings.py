"""Encodings: what is certain is read, what is not is refused with the option that settles it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.preparation.errors import InputFileError, OptionError
from labelloop.preparation.source import BadRow, LabeledText
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource

TEXTS = {
    "Russian": (
        "Поезд опоздал на два часа. Новый телефон работает прекрасно! Где мой заказ? "
        "Спасибо за быстрый ответ. Книга интересная, но слишком длинная. Доставка заняла "
        "неделю. Повар готовит вкусный борщ каждый день. Завтра обещают дождь и сильный "
        "ветер. Врач принял меня без очереди."
    ),
    "Ukrainian": (
        "Потяг запізнився на дві години. Новий телефон працює чудово! Де моє замовлення? "
        "Дякую за відповідь. Книга цікава, але задовга. Доставка тривала тиждень. Завтра "
        "обіцяють дощ і сильний вітер. Кухар щодня готує смачний борщ."
    ),
    "Greek": (
        "Το τρένο άργησε δύο ώρες. Το νέο τηλέφωνο δουλεύει υπέροχα! Πού είναι η "
        "παραγγελία μου; Ευχαριστώ πολύ. Το βιβλίο είναι ενδιαφέρον αλλά μεγάλο. Η "
        "παράδοση κράτησε μια εβδομάδα. Αύριο θα βρέξει και θα φυσάει. Ο μάγειρας "
        "φτιάχνει νόστιμο φαγητό κάθε μέρα."
    ),
    "Hebrew": (
        "הרכבת איחרה בשעתיים. הטלפון החדש עובד מצוין! איפה ההזמנה שלי? תודה על התשובה "
        "המהירה שלכם. הספר מעניין אבל ארוך מדי. המשלוח ארך שבוע שלם. מחר יירד גשם ותנשב "
        "רוח חזקה. הטבח מכין אוכל טעים בכל יום. הרופא קיבל אותי בלי תור. הילדים משחקים "
        "בגינה אחרי הצהריים."
    ),
    "Arabic": (
        "تأخر القطار ساعتين. الهاتف الجديد يعمل بشكل رائع! أين طلبي؟ شكرا على الرد "
        "السريع من فريقكم. الكتاب ممتع لكنه طويل جدا. استغرق التوصيل أسبوعا كاملا. غدا "
        "سيهطل المطر وتهب الرياح. يطبخ الطباخ طعاما لذيذا كل يوم. استقبلني الطبيب دون "
        "انتظار."
    ),
    "Thai": (
        "รถไฟมาช้าสองชั่วโมง โทรศัพท์ใหม่ใช้งานได้ดีมาก คำสั่งซื้อของฉันอยู่ที่ไหน "
        "ขอบคุณสำหรับคำตอบ หนังสือน่าสนใจแต่ยาวเกินไป การจัดส่งใช้เวลาหนึ่งสัปดาห์ "
        "พรุ่งนี้ฝนจะตกและลมแรง พ่อครัวทำอาหารอร่อยทุกวัน หมอตรวจผมโดยไม่ต้องรอคิว "
        "เด็กเล่นในสวนหลังบ้านทุกเย็น"
    ),
    "Japanese": (
        "電車が二時間遅れました。新しい電話はとても良いです。注文はどこですか。早い返事をありがと"
        "う。この本は面白いですが長すぎます。荷物は一週間後に届きました。天気が良いので散歩に行き"
        "ます。明日は雨が降って風が強くなるそうです。料理人は毎日おいしい食事を作ります。医者はす"
        "ぐに診てくれました。子供たちは午後に庭で遊んでいます。"
    ),
    "Chinese": (
        "火车晚点了两个小时。新手机用起来非常好！我的订单在哪里？谢谢你们的快速答复，服务很好。这"
        "本书很有意思，但是太长了。包裹一个星期以后才送到。明天会下雨，还会刮大风。厨师每天都做好"
        "吃的饭菜。医生没有让我排队就看了病。孩子们下午在花园里玩耍。会议改到星期五上午举行，请大"
        "家准时参加。这家饭店的服务员态度很好，价格也便宜。老师说考试的结果下周公布。"
    ),
    "Traditional Chinese": (
        "火車晚點了兩個小時。新手機用起來非常好！我的訂單在哪裡？謝謝你們的快速答覆，服務很好。這"
        "本書很有意思，但是太長了。包裹一個星期以後才送到。明天會下雨，還會颳大風。廚師每天都做好"
        "吃的飯菜。醫生沒有讓我排隊就看了病。孩子們下午在花園裡玩耍。會議改到星期五上午舉行，請大"
        "家準時參加。這家飯店的服務員態度很好，價格也便宜。老師說考試的結果下週公布。"
    ),
    "Korean": (
        "기차가 두 시간 늦었습니다. 새 전화기는 아주 잘 작동합니다! 제 주문은 "
        "어디에 있나요? 빠른 답변 감사합니다. 책은 재미있지만 너무 깁니다. 배송은 "
        "일주일이 걸렸습니다. 내일은 비가 오고 바람이 강하게 불 것입니다. 요리사는 "
        "매일 맛있는 음식을 만듭니다. 의사는 기다리지 않고 진료해 주었습니다. "
        "회의는 금요일 오전으로 바뀌었습니다. "
        "선생님은 시험 결과를 다음 주에 알려 줍니다. 이 식당은 친"
        "절하고 값도 쌉니다. 아이들은 오후에 정원에서 놀고 있습니다."
    ),
    "German": (
        "Der Zug kam zwei Stunden zu spät. Das Gerät läuft großartig! Wo bleibt für März "
        "meine Übersicht? Schöne Grüße."
    ),
    "French": (
        "Le train avait deux heures de retard. Où est ma commande ? Très déçu, ça ne marche pas. À bientôt."
    ),
    "Polish": (
        "Pociąg spóźnił się dwie godziny. Nowy telefon działa świetnie! Gdzie jest moje zamówienie? Dziękuję."
    ),
    "Turkish": (
        "Tren iki saat gecikti. Yeni telefon çok güzel çalışıyor! Siparişim nerede? "
        "Hızlı yanıt için teşekkürler."
    ),
}


def write(folder: Path, language: str, encoding: str, repeat: int = 3) -> Path:
    """A few rows, one sentence each."""
    sentences = [sentence.strip() for sentence in TEXTS[language].replace("。", ".").split(".") if sentence]
    rows = [f'"{sentence}",{number % 2}\n' for number, sentence in enumerate(sentences * repeat)]
    path = folder / "texts.csv"
    path.write_bytes(("text,label\n" + "".join(rows)).encode(encoding, errors="ignore"))
    return path


def source(path: Path, encoding: str = "") -> TableSource:
    return TableSource.open([path], TableFormat("text", "label", encoding=encoding))


def texts(table: TableSource) -> list[str]:
    return [row.text for row in table if isinstance(row, LabeledText)]


CERTAIN = [
    ("Russian", "cp1251", "Windows-1251"),
    ("Russian", "koi8-r", "KOI8-R"),
    ("Russian", "cp866", "code page 866"),
    ("Ukrainian", "cp1251", "Windows-1251"),
    ("Greek", "cp1253", "Windows-1253"),
    ("Hebrew", "cp1255", "Windows-1255"),
    ("Arabic", "cp1256", "Windows-1256"),
    ("Thai", "cp874", "Windows-874"),
    ("Japanese", "shift_jis", "Shift-JIS"),
    ("Japanese", "euc_jp", "EUC-JP"),
    ("Japanese", "iso2022_jp", "ISO-2022-JP"),
    ("Chinese", "gb18030", "GB18030"),
    ("Traditional Chinese", "big5", "Big5"),
    ("Korean", "euc-kr", "EUC-KR"),
    ("German", "cp1252", "Windows-1252"),
]


@pytest.mark.parametrize(("language", "encoding", "words"), CERTAIN)
def test_an_encoding_that_can_hardly_be_another_is_read_and_said(
    tmp_path: Path, language: str, encoding: str, words: str
) -> None:
    path = write(tmp_path, language, encoding)
    table = source(path)
    assert table.read_as == (f"texts.csv: CSV, commas, {words} (guessed: --encoding names another)",)
    assert texts(table) == texts(source(path, encoding))
    assert not [row for row in table if isinstance(row, BadRow)]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_whatever_the_language(tmp_path: Path, language: str, encoding: str) -> None:
    path = write(tmp_path, language, encoding)
    assert texts(source(path)) == texts(source(path, encoding))


@pytest.mark.parametrize(
    ("language", "encoding", "option"),
    [("French", "cp1252", "windows-1252"), ("Polish", "cp1250", "windows-1250"), ("Turkish", "cp1254", None)],
)
def test_where_a_guess_may_be_wrong_the_option_is_named_with_how_words_would_read(
    tmp_path: Path, language: str, encoding: str, option: str | None
) -> None:
    path = write(tmp_path, language, encoding)
    with pytest.raises(InputFileError, match=r"is not in UTF-8\. It looks like") as refused:
        source(path)
    message = str(refused.value)
    assert option is None or f"--encoding {option}" in message
    assert "skip-bad-rows" not in message
    words = texts(source(path, encoding))
    assert any(f"reads {word!r}" in message for text in words for word in text.split() if not word.isascii())


def test_few_letters_are_never_enough_for_a_guess(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_bytes("text,label\n電車が遅れました,1\n".encode("shift_jis"))
    with pytest.raises(InputFileError, match="--encoding shift_jis"):
        source(path)
    assert texts(source(path, "shift_jis")) == ["電車が遅れました"]


def test_a_few_faulty_bytes_do_not_make_another_encoding(tmp_path: Path) -> None:
    path = write(tmp_path, "German", "utf-8")
    path.write_bytes(path.read_bytes() + b"caf\xe9,1\n")
    assert [str(row).split(":", 1)[1] for row in source(path) if isinstance(row, BadRow)] == [
        " not UTF-8: byte 0xE9"
    ]


def test_bytes_that_a_named_encoding_does_not_have_make_a_bad_row(tmp_path: Path) -> None:
    path = write(tmp_path, "Japanese", "shift_jis")
    path.write_bytes(path.read_bytes() + b"\x81\n\xff,1\nlast,0\n")
    faults = [row for row in source(path, "shift_jis") if isinstance(row, BadRow)]
    assert {fault.kind for fault in faults} == {"not Shift-JIS"}


def test_a_mark_is_no_part_of_the_text_whatever_encoding_is_named(tmp_path: Path) -> None:
    for encoding, named in (("utf-8-sig", "utf8"), ("utf-16", "utf-16-le")):
        table = source(write(tmp_path, "German", encoding), named)
        assert table.columns == ("text", "label")


def test_an_encoding_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="Common ones: utf-8, utf-16, windows-1252"):
        source(write(tmp_path, "German", "utf-8"), "klingon")
    with pytest.raises(OptionError, match="is not an encoding"):
        source(write(tmp_path, "German", "utf-8"), "base64")
