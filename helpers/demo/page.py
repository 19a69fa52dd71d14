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
from .answers import NAMER, PANELS
from .serving import Demo, train_quick

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
MAX_CHARS = 2000
TOP, TOP_NAMES = 5, 10
SPANISH = "() => { document.documentElement.lang = 'es'; }"  # Gradio sets the browser's language
STYLE = Path(__file__).with_name("demo.css")
EXAMPLES = (
    "My big toe turned red, hot and so painful overnight that I cannot bear the bed sheet on it.",
    "A throbbing pain on one side of my head, with nausea, and light hurts my eyes until I sleep.",
    "My fingers are stiff for an hour every morning and the knuckles of both hands are swollen.",
    "I feel tired and short of breath on the stairs, my skin is pale and I crave ice.",
    "Silvery scales over red patches on my elbows and knees, worse in winter.",
    "My child has a fever, and itchy blisters that crust over in a few days.",
    "I wheeze and cough at night, and cold air or running makes my chest feel tight.",
    "After meals I get cramps and bloating, and some weeks diarrhea, others constipation.",
)
NOTE = (
    "<b>Es una demostración de un curso, no un consejo médico.</b> Los modelos fallan en la mayoría de los "
    "textos y siempre contestan algo. Si te sientes mal, acude a un servicio de salud."
)
MISSING = (
    "<h2>Todavía no hay modelos entrenados</h2><p>En una terminal, en la raíz del proyecto: <code>make "
    "run</code> (perfil <code>class</code>, varios minutos) o <code>make run PROFILE=reference</code> (toda "
    "la comparación). O entrena aquí el perfil más pequeño, <code>quick</code>: pocas enfermedades y pocas "
    "épocas, sólo para probar la página.</p>"
)


def clean(text: str | None) -> tuple[str, bool]:
    """The text cleaned, and whether it was cut at MAX_CHARS.

    Control characters and halves of characters are removed, runs of white space become one space.
    """
    text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", " ", text or "").split())
    return text[:MAX_CHARS].rstrip(), len(text) > MAX_CHARS


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
    """The whole answer as HTML; everything that was typed is escaped."""
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
    full = float(np.exp(max(values.max() for values in scores.values())))
    panels = "".join(panel(arm, scores[arm], demo, full) for arm in PANELS)
    naming = panel(NAMER, scores[NAMER], demo, full, TOP_NAMES)
    return (
        f'{notice}<div class="paneles">{panels}</div>'
        f"{explained_words(words, explained, demo.models.names[demo.models.classes[target]])}"
        f'<h3 class="titulo">El modelo de lenguaje ordena los {len(demo.models.classes)} nombres</h3><div '
        f'class="uno">{naming}</div>'
        f'<p class="clave">{seconds:.2f} s · {escape(demo.shown)} · las barras de todos los cuadros tienen '
        "la misma escala</p>"
    )


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
        with gr.Column(visible=ready) as asking:
            ask_and_show(demo)

        def which():
            return gr.Column(visible=not demo.models), gr.Column(visible=bool(demo.models))

        def trained(progress=gr.Progress()):  # noqa: B008, as Gradio wants it
            wrong = train_quick(demo, progress)
            return alert(wrong) if wrong else ""

        shown = {"fn": which, "inputs": None, "outputs": [setup, asking], "show_progress": "hidden"}
        blocks.load(**shown, api_visibility="private")
        pressed = train.click(trained, None, told, api_visibility="private", concurrency_limit=1)
        pressed.then(**shown, api_visibility="private")
    return blocks


def ask_and_show(demo: Demo) -> None:
    """Where a text is asked about: by its button, by an example, or by another model to explain."""
    text, explained, send = question_fields()
    gr.HTML('<h3 class="titulo">O prueba un ejemplo</h3>', padding=False)
    with gr.Row(elem_classes="ejemplos"):
        buttons = [gr.Button(example, size="sm", elem_classes="ejemplo") for example in EXAMPLES]
    out = gr.HTML(elem_id="respuesta", padding=False)

    def ask(given, arm):
        return respond(demo, given, arm if arm in PANELS else PANELS[-1])

    asked = {"fn": ask, "inputs": [text, explained], "outputs": out, "api_visibility": "private"}
    asked |= {"concurrency_id": "ask", "concurrency_limit": 2}
    for trigger in (send.click, text.submit, explained.input):
        trigger(**asked)
    for button, example in zip(buttons, EXAMPLES, strict=True):
        pressed = button.click(lambda example=example: example, None, text, api_visibility="private")
        pressed.then(**asked)


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
    choices = [(ARMS[arm].name, arm) for arm in PANELS]
    with gr.Row():
        explained = gr.Dropdown(choices, value=PANELS[-1], label="Explicar las palabras de", scale=2)
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
    except OSError as error:
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
