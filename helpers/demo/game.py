"""¿Le ganas a la máquina? Ten statements of the exam, eight diseases each: the visitor against the models."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape

import numpy as np

from ..arms import ARMS
from .answers import Models

ROUNDS, CHOICES = 10, 8
VISITOR = "visitor"


@dataclass(frozen=True)
class Game:
    """A game under way: the exam's rows that it asks in order, how many are answered, who has what points.

    `options`: the classes to choose among in the round that is asked; `picks`: what each model says of them.
    """

    rows: tuple[int, ...]
    answered: int = 0
    points: Mapping[str, int] = field(default_factory=dict)
    options: tuple[int, ...] = ()
    picks: Mapping[str, int] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.answered == len(self.rows)


def new_game(models: Models, seed: int) -> Game:
    """A game of ROUNDS rows of the exam, drawn at random, each of another disease while there are enough."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(models.exam)).tolist()
    seen: set[int] = set()
    first = [row for row in order if models.exam[row][1] not in seen and not seen.add(models.exam[row][1])]
    rows = list(dict.fromkeys([*first, *order]))[:ROUNDS]
    return Game(tuple(rows), points=dict.fromkeys((VISITOR, *models.panels), 0))


def choices(scores: Mapping[str, np.ndarray], right: int, rng: np.random.Generator) -> tuple[int, ...]:
    """CHOICES classes in random order: the right one, and those that the models put first.

    scores: (k,) each. Every model in turn gives its first answer, then each its second, and so on.
    """
    orders = [np.argsort(-values, kind="stable") for values in scores.values()]
    favourites = [int(order[place]) for place in range(len(orders[0])) for order in orders]
    others = [number for number in dict.fromkeys(favourites) if number != right]
    return tuple(rng.permutation([right, *others[: CHOICES - 1]]).tolist())


def asked(game: Game, models: Models, scores: Mapping[str, np.ndarray], seed: int) -> Game:
    """The game with the options of its round, and of them the one to which each model gives most.

    scores: of the round's text, by arm.
    """
    right = models.exam[game.rows[game.answered]][1]
    own = {arm: scores[arm] for arm in models.panels}
    options = choices(own, right, np.random.default_rng((seed, game.answered)))
    picks = {arm: max(options, key=lambda number: values[number]) for arm, values in own.items()}
    return replace(game, options=options, picks=picks)


def judged(game: Game, models: Models, picked: int) -> Game:
    """The game after the visitor has picked a class; who is right has a point more."""
    right = models.exam[game.rows[game.answered]][1]
    said = {VISITOR: picked, **game.picks}
    points = {who: points + (said[who] == right) for who, points in game.points.items()}
    return replace(game, answered=game.answered + 1, points=points)


def statement(game: Game, models: Models) -> str:
    """The round's text, as HTML."""
    text = models.exam[game.rows[game.answered]][0]
    head = f"Ronda {game.answered + 1} de {len(game.rows)}"
    return f'<section class="palabras ronda"><h3>{head}</h3><p lang="en">{escape(text)}</p></section>'


def verdict(game: Game, models: Models, picked: int) -> str:
    """What everybody said in the round just judged, what was right, and the points, as HTML."""
    right = models.exam[game.rows[game.answered - 1]][1]

    def name(number: int) -> str:
        return escape(models.names[models.classes[number]])

    def row(who: str, said: int) -> str:
        called = "Tú" if who == VISITOR else ARMS[who].name
        mark = "✓" if said == right else "✗"
        return (
            f'<tr data-who="{who}"><th scope="row">{escape(called)}</th><td>{mark} {name(said)}</td>'
            f"<td>{game.points[who]}</td></tr>"
        )

    rows = "".join(row(who, said) for who, said in {VISITOR: picked, **game.picks}.items())
    head = "<tr><th>Quién</th><th>Contestó</th><th>Aciertos</th></tr>"
    body = f'<p class="correcta">La correcta: <b>{name(right)}</b>.</p>'
    body += f'<table class="marcador">{head}{rows}</table>{ending(game) if game.over else ""}'
    return f'<section class="veredicto" role="status">{body}</section>'


def ending(game: Game) -> str:
    """Who has won, as HTML."""
    own = game.points[VISITOR]
    best = max(points for who, points in game.points.items() if who != VISITOR)
    result = "¡Le ganaste a la máquina!" if own > best else "Empate." if own == best else "Ganó la máquina."
    return f'<p class="final"><b>{result}</b> Tú: {own} de {len(game.rows)}; la mejor máquina: {best}.</p>'
