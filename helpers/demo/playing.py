"""The page's second tab: the game on it (see `game`)."""

from secrets import randbelow

import gradio as gr

from ..config import RunError
from . import game as rules
from .serving import Demo

INTRO = (
    "<p>Diez relatos del examen, ocho enfermedades en cada uno: la correcta y las favoritas de los modelos. "
    "Elige; después verás qué elige cada modelo entre esas ocho.</p>"
)


def play(demo: Demo) -> None:
    """Where a visitor plays: a statement, eight diseases, then what everybody said and the points."""
    state = gr.State(None)
    gr.HTML(INTRO, padding=False)
    start = gr.Button("Empezar", variant="primary", elem_id="empezar")
    asked = gr.HTML(elem_id="relato", padding=False)
    options = gr.Radio([], label="¿Qué enfermedad es?", visible=False, elem_id="opciones")
    send = gr.Button("Contestar", variant="primary", visible=False, elem_id="contestar")
    told = gr.HTML(elem_id="veredicto", padding=False)
    onward = gr.Button("Siguiente relato", visible=False, elem_id="siguiente")

    def next_round(game: rules.Game):
        """The next statement, once the models have read it."""
        text = demo.models.exam[game.rows[game.answered]][0]
        try:
            scores, _, _ = demo.answer(text, "")
        except RunError as error:
            return game, f"Los modelos no pudieron contestar; inténtalo otra vez. {error}", *[gr.skip()] * 4
        game = rules.asked(game, demo.models, scores, game.rows[0])
        shown = [(demo.models.names[demo.models.classes[number]], number) for number in game.options]
        return (
            game,
            rules.statement(game, demo.models),
            gr.Radio(shown, value=None, visible=True, interactive=True),
            gr.Button(visible=True),
            "",
            gr.Button(visible=False),
        )

    def begin():
        return next_round(rules.new_game(demo.models, randbelow(2**31)))

    def judge(game: rules.Game, picked: int | None):
        """The points after a round; nothing where nothing was picked."""
        if game is None or picked is None or not game.options:
            return game, *[gr.skip()] * 2, "<p>Elige primero una de las ocho.</p>", gr.skip()
        game = rules.judged(game, demo.models, picked)
        return (
            game,
            gr.Radio(interactive=False),
            gr.Button(visible=False),
            rules.verdict(game, demo.models, picked),
            gr.Button(visible=not game.over),
        )

    private = {"api_visibility": "private", "concurrency_id": "ask", "concurrency_limit": 2}
    shown = [state, asked, options, send, told, onward]
    start.click(begin, None, shown, **private)
    onward.click(next_round, state, shown, **private)
    send.click(judge, [state, options], [state, options, send, told, onward], **private)
