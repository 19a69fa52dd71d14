"""The expo's demo: a local Gradio page where every model answers a text about symptoms, side by side."""

import os
import re
import socket
import time
from html import escape
from pathlib import Path

import gradio as gr
import numpy as np

from ..arms import ARMS
from ..config import InputError, RunError
from . import answers
from .answers import Models
from .playing import play
from .serving import Demo, train_quick

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
MAX_CHARS = 2000
TOP, TOP_NAMES = 5, 10
SPANISH = "() => { document.documentElement.lang = 'es'; }"  # Gradio sets the browser's language
STYLE = Path(__file__).with_name("demo.css")
EXAMPLES = 8  # of the exam
EXPLAINED = [arm for arm in answers.NEEDED if not ARMS[arm].answers]  # whose words are
NOTE = (
    "<b>Es una demostración de un curso, no un consejo médico.</b> Los modelos se equivocan a menudo y "
    "siempre "
    "contestan algo. Si te sientes mal, acude a un servicio de salud."
)
# Words that a Spanish text can hardly do without and an English one does not have.
SPANISH_WORDS = frozenset(
    "de la el los las un una que mi tengo con desde hace por para muy y en al del duele fiebre dolor".split()
)
MISSING = (
    "<h2>Todavía no hay modelos entrenados</h2><p>En una terminal, en la raíz del proyecto: <code>make "
    "run</code> (perfil <code>class</code>, cerca de una hora) o <code>make run PROFILE=course</code> (la "
    "comparación publicada). O entrena aquí el perfil más pequeño, <code>quick</code>: pocas enfermedades y "
    "pocas épocas, sólo para probar la página.</p>"
)


def clean(text: str | None) -> tuple[str, bool]:
    """The text cleaned, and whether it was cut at MAX_CHARS.

    Control characters and halves of characters are removed, runs of white space become one space.
    """
    text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", " ", text or "").split())
    return text[:MAX_CHARS].rstrip(), len(text) > MAX_CHARS


def is_spanish(text: str) -> bool:
    """Whether a text looks Spanish: a third of its words, and two at least, are among SPANISH_WORDS."""
    words = re.findall(r"[a-záéíóúñü]+", text.lower())
    return (found := sum(word in SPANISH_WORDS for word in words)) >= 2 and 3 * found >= len(words)


def examples(models: Models) -> list[str]:
    """Test statements: the first of every so manyeth disease, in the order of the classes. None is picked."""
    first = {number: text for text, number in reversed(models.exam)}
    places = np.linspace(0, len(models.classes) - 1, EXAMPLES).round().astype(int)
    return list(dict.fromkeys(first[place] for place in places.tolist() if place in first))


def at_hand(models: Models) -> str:
    """One line: which models are there, which are not, and what that would take."""
    there = ", ".join(ARMS[arm].name for arm in models.specs)
    if not models.missing:
        return f"Modelos: {there}."
    absent = ", ".join(ARMS[arm].name for arm in models.missing)
    return f"Modelos: {there}. Faltan: {absent} (<code>make run</code> los entrena si está SmolLM2)."


def alert(text: str) -> str:
    """Something that the visitor must know, as HTML."""
    return f'<p class="aviso" role="alert">{escape(text)}</p>'


def panel(arm: str, scores: np.ndarray, demo: Demo, full: float, top: int = TOP) -> str:
    """One model's first answers as bars.

    full: the probability of a bar as long as there is room, the same for all panels.
    """
    order = np.argsort(-scores)[:top]
    shares = np.exp(scores[order])
    rows = "".join(
        f'<li><span class="nombre">{escape(demo.models.names[demo.models.classes[i]])}</span><span '
        'class="barra"><span '
        f'style="width:{100 * share / full:.1f}%;background:{ARMS[arm].color}"></span></span><span '
        f'class="parte">{100 * share:.1f} %</span></li>'
        for i, share in zip(order, shares, strict=True)
    )
    head = f'<h3 style="border-color:{ARMS[arm].color}">{escape(ARMS[arm].name)}</h3>'
    return f'<section class="panel" data-arm="{arm}">{head}<ol>{rows}</ol></section>'


def explained_words(words: answers.Words, arm: str, disease: str) -> str:
    """The text, each word on a ground as strong as what it adds: red for, blue against."""
    strongest = max((abs(value) for _, value in words), default=0) or 1

    def mark(piece: str, value: float) -> str:
        if abs(value) < 0.02 * strongest:
            return escape(piece)
        tone = "178,24,43" if value > 0 else "33,102,172"
        style = f"background:rgba({tone},{0.75 * abs(value) / strongest:.2f})"
        return f'<mark style="{style}" title="{value:+.2f}">{escape(piece)}</mark>'

    body = "".join(mark(piece, value) for piece, value in words)
    head = f"En qué palabras se apoya <b>{escape(ARMS[arm].name)}</b> para «{escape(disease)}»"
    return (
        f'<section class="palabras"><h3>{head}</h3><p lang="en" dir="auto">{body}</p><p class="clave">rojo: '
        "a favor · azul: en contra · pasa el cursor para ver cuánto (gradientes integrados)</p></section>"
    )


def respond(demo: Demo, text: str, explained: str) -> str:
    """The whole answer as HTML; everything that was typed is escaped.

    explained: one of EXPLAINED. Of a statement of the exam the right answer is told last.
    """
    asked, cut = clean(text)
    if not asked:
        return alert("Escribe primero unos síntomas, en inglés, o elige un ejemplo.")
    began = time.perf_counter()
    try:
        scores, words, target = demo.answer(asked, explained)
    except RunError as error:
        return alert(f"Los modelos no pudieron contestar; inténtalo otra vez. {error}")
    seconds = time.perf_counter() - began
    notice = alert(f"El texto se recortó a {MAX_CHARS} caracteres.") if cut else ""
    if is_spanish(asked):
        notice += alert("Parece español: los modelos sólo leyeron inglés. Prueba el mismo texto en inglés.")
    models = demo.models
    full = float(np.exp(max(values.max() for values in scores.values())))
    panels = "".join(panel(arm, scores[arm], demo, full) for arm in models.panels)
    naming = panel(models.namer, scores[models.namer], demo, full, TOP_NAMES)
    return (
        f'{notice}<div class="paneles">{panels}</div>{revealed(models, asked, scores)}'
        f"{explained_words(words, explained, models.names[models.classes[target]])}"
        f'<h3 class="titulo">De los {len(models.classes)} nombres, los primeros según el modelo de lenguaje'
        f'</h3><div class="paneles uno">{naming}</div>'
        f'<p class="clave seguro">{how_sure(scores[models.namer])}</p>'
        f'<p class="clave">{seconds:.2f} s · {escape(demo.shown)} · las barras de todos los cuadros tienen '
        "la misma escala</p>"
    )


def revealed(models: Models, text: str, scores: dict[str, np.ndarray]) -> str:
    """Of a statement of the exam the right answer, and who puts it first, as HTML; else nothing."""
    right = next((number for known, number in models.exam if known == text), None)
    if right is None:
        return ""
    first = [ARMS[arm].name for arm in models.panels if int(scores[arm].argmax()) == right]
    who = f"La ponen primera: {', '.join(first)}." if first else "Ninguno la pone primera."
    name = escape(models.names[models.classes[right]])
    return f'<p class="correcta">Es un relato del examen. La correcta: <b>{name}</b>. {escape(who)}</p>'


def how_sure(scores: np.ndarray) -> str:
    """How much more than an even share the ranking's first name gets."""
    times = float(np.exp(scores.max())) * len(scores)
    return f"A su primer nombre le da {times:.1f} veces lo que le tocaría si repartiera por igual."


def page(demo: Demo) -> gr.Blocks:
    """The page; where no models are loaded it shows how to make them first."""
    ready = bool(demo.models)
    with gr.Blocks(title="¿Qué enfermedad es? Demostración", analytics_enabled=False) as blocks:
        gr.HTML(
            '<header><h1>¿Qué enfermedad describe el texto?</h1><p class="banner" role="note">'
            f"{NOTE}</p></header>",
            padding=False,
        )
        with gr.Column(visible=not ready) as setup:
            gr.HTML(MISSING, padding=False)
            train = gr.Button("Entrenar el perfil quick", variant="primary", elem_id="entrenar")
            told = gr.HTML(elem_id="entrenamiento", padding=False)
        with gr.Column(visible=ready) as asking, gr.Tabs():
            with gr.Tab("Pregunta"):
                there, buttons = ask_and_show(demo)
            with gr.Tab("¿Le ganas a la máquina?"):
                play(demo)

        def which():
            texts = examples(demo.models) if demo.models else []
            texts += [""] * (EXAMPLES - len(texts))
            return (
                gr.Column(visible=not demo.models),
                gr.Column(visible=bool(demo.models)),
                at_hand(demo.models) if demo.models else "",
                *(gr.Button(text, visible=bool(text)) for text in texts),
            )

        def trained(progress=gr.Progress()):  # noqa: B008, as Gradio wants it
            wrong = train_quick(demo, progress)
            return alert(wrong) if wrong else ""

        shown = {"fn": which, "inputs": None, "outputs": [setup, asking, there, *buttons]}
        shown |= {"show_progress": "hidden"}
        blocks.load(**shown, api_visibility="private")
        pressed = train.click(trained, None, told, api_visibility="private", concurrency_limit=1)
        pressed.then(**shown, api_visibility="private")
    return blocks


def ask_and_show(demo: Demo) -> tuple[gr.HTML, list[gr.Button]]:
    """Where a text is asked about: by its button, by an example, or by another model to explain.

    Returns where it is said which models are there, and the buttons of the examples, still without text.
    """
    text, explained, send = question_fields()
    there = gr.HTML(elem_id="modelos", elem_classes="clave", padding=False)
    gr.HTML('<h3 class="titulo">O prueba un relato del examen</h3>', padding=False)
    with gr.Row(elem_classes="ejemplos"):
        buttons = [gr.Button("", size="sm", elem_classes="ejemplo") for _ in range(EXAMPLES)]
    out = gr.HTML(elem_id="respuesta", padding=False)

    def ask(given, arm):
        return respond(demo, given, arm if arm in EXPLAINED else EXPLAINED[-1])

    asked = {"fn": ask, "inputs": [text, explained], "outputs": out, "api_visibility": "private"}
    asked |= {"concurrency_id": "ask", "concurrency_limit": 2}
    for trigger in (send.click, text.submit, explained.input):
        trigger(**asked)
    for button in buttons:
        pressed = button.click(lambda example: example, button, text, api_visibility="private")
        pressed.then(**asked)
    return there, buttons


def question_fields() -> tuple[gr.Textbox, gr.Dropdown, gr.Button]:
    """Where the text is typed, the model whose words are explained, and the button that asks."""
    text = gr.Textbox(
        label="Síntomas, en inglés: los modelos se entrenaron con textos en inglés",
        info=f"Hasta {MAX_CHARS} caracteres. Mayúsculas + Entrar también pregunta.",
        placeholder="I have had a fever and a sore throat since yesterday…",
        lines=3,
        max_lines=8,
        max_length=MAX_CHARS + 1,  # one too many, so that who pastes more is told
        elem_id="texto",
    )
    choices = [(ARMS[arm].name, arm) for arm in EXPLAINED]
    with gr.Row():
        explained = gr.Dropdown(choices, value=EXPLAINED[-1], label="Explicar las palabras de", scale=2)
        send = gr.Button("Preguntar a los modelos", variant="primary", scale=1, elem_id="preguntar")
    return text, explained, send


def light() -> gr.themes.Base:
    """Gradio's plainest theme with the machine's own fonts.

    Light also where the browser asks for dark, because the panels are light.
    """
    fonts = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
    theme = gr.themes.Base(primary_hue="blue", font=fonts, font_mono=["ui-monospace", "monospace"])
    for name in list(vars(theme)):
        if name.endswith("_dark"):
            setattr(theme, name, getattr(theme, name.removesuffix("_dark")))
    return theme


def serve(profile: str | None, source: str | None, host: str, port: int) -> None:
    """Loads the models and serves the page until Ctrl-C.

    InputError, before anything is loaded, if the port cannot be used.
    """
    try:
        with socket.create_server((host, port)):
            pass
    except (OSError, OverflowError) as error:
        raise InputError(f"--port {port}: cannot be used on {host} ({error}); choose another") from error
    demo = Demo(profile, source)
    print("loading the models …", flush=True)
    try:
        print(demo.shown if demo.open() else "no trained models: the page says how to make them", flush=True)
        page(demo).queue(default_concurrency_limit=2).launch(
            server_name=host, server_port=port, share=False, quiet=True, footer_links=[], theme=light(),
            css=STYLE.read_text(encoding="utf-8"), js=SPANISH, max_file_size=1,
            ssr_mode=False, pwa=False, enable_monitoring=False, prevent_thread_lock=True,
        )  # fmt: skip
        print(f"open http://{host}:{port} (Ctrl-C ends it)", flush=True)
        while True:
            time.sleep(1)
    finally:
        demo.end()
