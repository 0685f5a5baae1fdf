"""What the visible label says, by language (ISO 639-1): the order is that of the rows of labels.png."""

LANGUAGES = {
    "en": "AI-generated",
    "de": "KI-generiert",
    "fr": "Généré par IA",
    "es": "Generado por IA",
    "pt": "Gerado por IA",
    "it": "Generato dall’IA",
    "nl": "Gemaakt met AI",
    "pl": "Wygenerowane przez AI",
    "tr": "Yapay zekâ ile üretildi",
    "el": "Δημιουργήθηκε με ΤΝ",
    "uk": "Створено ШІ",
    "ru": "Создано ИИ",
    "ar": "مُنشأ بالذكاء الاصطناعي",
    "he": "נוצר בבינה מלאכותית",
    "hi": "एआई द्वारा निर्मित",
    "ja": "AI生成",
    "ko": "AI 생성",
    "zh": "AI生成",
}
