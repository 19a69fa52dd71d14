"""The demo as a visitor meets it.

No models at first, trained from the page, then questions of all kinds, and processes that die.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from helpers.arms import ARMS
from helpers.config import BAD_INPUT, BUILD

pytest.importorskip("gradio", reason="no Gradio: pip install -r requirements-demo.txt")
# Gradio brings it
httpx = pytest.importorskip("httpx", reason="no httpx: pip install -r requirements-demo.txt")

COMMAND = [sys.executable, "-u", "-m", "helpers", "demo"]
PANELS = ["tfidf_logreg", "bilstm", "gpt2_scratch", "gpt2_finetuned"]
EVERY = [*PANELS, "gpt2_lm"]
SPITEFUL = "<img src=x onerror=alert(1)><script>alert(2)</script> fever 🤒 </textarea>\u202e حمى"


class Server:
    """`python -m helpers demo` on a free port, its records in `build`; `said` is what it printed."""

    def __init__(self, build, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{self.port}", log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [*COMMAND, "--port", str(self.port)], env=os.environ | {"HELPERS_BUILD": str(build)},
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while (
            f"open {self.url} " not in self.said
            and time.monotonic() < deadline
            and self.process.poll() is None
        ):
            time.sleep(0.2)
        assert f"open {self.url} " in self.said, self.said

    @property
    def said(self):
        return self.log.read_text()

    def workers(self):
        """The processes that hold the models."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    def ask(self, text, arm="gpt2_finetuned"):
        """The answer's HTML, asked as the page's script does but without a browser."""
        config = httpx.get(f"{self.url}/config").json()
        number = next(d["id"] for d in config["dependencies"] if len(d["inputs"]) == 2)
        session = os.urandom(6).hex()
        question = {"data": [text, arm], "fn_index": number, "session_hash": session}
        httpx.post(f"{self.url}/gradio_api/queue/join", json=question, timeout=60).raise_for_status()
        with httpx.stream(
            "GET", f"{self.url}/gradio_api/queue/data?session_hash={session}", timeout=120
        ) as events:
            found = next(line for line in events.iter_lines() if '"process_completed"' in line)
        answer = httpx.Response(200, text=found.removeprefix("data:")).json()
        assert answer["success"], answer
        return answer["output"]["data"][0]

    def end(self):
        self.process.kill()
        self.process.wait(30)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Where the demo under test keeps its records.

    At first none, or only the GPT-2 that another test has trained before.
    """
    directory = tmp_path_factory.mktemp("build")
    for record in (BUILD / "runs").glob("*/record.json"):
        if ARMS[json.loads(record.read_text(encoding="utf-8"))["spec"]["arm"]].framework == "torch":
            shutil.copytree(record.parent, directory / "runs" / record.parent.name)
    return directory


@pytest.fixture(scope="module")
def first_visit(browser, build, tmp_path_factory):
    """A server that began without models, and what the page showed until it had trained some."""
    server = Server(build, tmp_path_factory.mktemp("log") / "demo.log")
    page, shown = browser.new_page(locale="en-US"), {"bars": [], "told": set()}
    page.goto(server.url)
    page.locator("#entrenar").wait_for(timeout=90_000)
    shown["text"], shown["asked"] = page.locator("body").inner_text(), page.locator("#preguntar").is_visible()
    page.locator("#entrenar").click()
    deadline = time.monotonic() + 480
    while not page.locator("#preguntar").is_visible() and time.monotonic() < deadline:
        bars = page.locator("#entrenamiento [role=progressbar]").evaluate_all(
            "bars => bars.map(bar => [bar.getAttribute('aria-valuenow'), bar.getAttribute('aria-label')])"
        )  # in one look: the page may replace them in the meantime
        shown["bars"].extend(int(share or 0) for share, _ in bars)
        shown["told"].update(label for _, label in bars)
        time.sleep(0.3)
    shown["after"] = page.locator("body").inner_text()
    page.close()
    yield server, shown
    server.end()


@pytest.fixture(scope="module")
def server(first_visit):
    return first_visit[0]


@pytest.fixture
def visit(browser, server):
    """Opens the page.

    When the test ends, nothing must have come from elsewhere, failed, complained or popped up.
    """
    complaints, context = [], browser.new_context(locale="en-US")

    def failed(request):  # Gradio itself ends the stream of answers when it has what it wants
        if not (
            request.url.startswith(f"{server.url}/gradio_api/queue/data")
            and request.failure == "net::ERR_ABORTED"
        ):
            complaints.append(f"failed: {request.url}")

    def open_page(width=1280, **preferences):
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(**preferences)
        page.on(
            "request",
            lambda r: r.url.startswith((server.url, "data:")) or complaints.append(f"asked for {r.url}"),
        )
        page.on("response", lambda r: r.status < 400 or complaints.append(f"{r.status}: {r.url}"))
        page.on("requestfailed", failed)
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(server.url)
        page.locator("#preguntar").wait_for(timeout=240_000)
        page.wait_for_function("document.querySelector('.ejemplo')?.innerText.length > 0", timeout=240_000)
        return page

    yield open_page
    context.close()
    assert not complaints


def ask(page, text):
    """Types a text, sends it and waits until the answer is another one."""
    page.evaluate(
        "document.querySelector('#respuesta .panel, #respuesta .aviso')?.setAttribute('data-old', '')"
    )
    page.locator("#texto textarea").fill(text)
    page.locator("#preguntar").click()
    page.locator("#respuesta :is(.panel, .aviso):not([data-old])").first.wait_for(timeout=120_000)
    page.wait_for_function("!document.querySelector('#respuesta [data-old]')")


def arms(page):
    return page.locator("#respuesta .panel").evaluate_all("panels => panels.map(p => p.dataset.arm)")


def test_without_models_the_page_says_how_to_make_them_and_trains_some(first_visit):
    server, shown = first_visit
    assert "make run" in shown["text"]
    assert "no un consejo médico" in shown["text"]
    assert not shown["asked"]
    assert shown["bars"] == sorted(shown["bars"])
    assert len(set(shown["bars"])) > 3
    assert max(shown["bars"]) > 60
    assert any("BiLSTM" in said for said in shown["told"]), shown["told"]
    assert "Todavía no hay modelos" not in shown["after"]
    assert "no un consejo médico" in shown["after"]
    assert "no trained models" in server.said


@pytest.mark.parametrize("width", [1280, 390])
def test_an_example_answers_with_every_model_and_fits(visit, width):
    page = visit(width)
    assert page.evaluate("document.documentElement.lang") == "es"
    assert page.locator(".ejemplo").count() == 8
    example = page.locator(".ejemplo").first
    text = example.inner_text()
    example.click()
    page.locator("#respuesta .panel").first.wait_for()
    assert page.locator("#texto textarea").input_value() == text
    assert arms(page) == EVERY
    assert page.locator(".panel li").count() == 4 * 5 + 10
    for arm in EVERY:
        panel = page.locator(f".panel[data-arm={arm}]")
        assert panel.locator("h3").inner_text() == ARMS[arm].name
        colour = panel.locator(".barra span").first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert colour == "rgb({}, {}, {})".format(*bytes.fromhex(ARMS[arm].color[1:]))
        shares = [float(share.rstrip(" %")) for share in panel.locator(".parte").all_inner_texts()]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 100.5
    assert page.locator(".palabras p").first.inner_text() == text
    assert page.locator(".palabras mark").count() > 1
    assert "Es un relato del examen. La correcta:" in page.locator("#respuesta .correcta").inner_text()
    assert "veces lo que le tocaría" in page.locator(".seguro").inner_text()
    assert ARMS["smollm2_finetuned"].name in page.locator("#modelos").inner_text().partition("Faltan:")[2]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_game_is_played_to_its_end_with_the_keyboard_on_a_telephone(visit):
    page = visit(390)
    page.get_by_role("tab", name="¿Le ganas a la máquina?").click()
    page.locator("#contestar").wait_for(state="hidden")
    page.locator("#empezar").focus()
    page.keyboard.press("Enter")
    for number in range(1, 11):
        page.get_by_text(f"Ronda {number} de 10").wait_for(timeout=90_000)
        choices = page.locator("#opciones input[type=radio]")
        choices.nth(7).wait_for(timeout=90_000)
        assert choices.count() == 8
        if number == 1:  # without a choice nothing is judged
            page.locator("#contestar").click()
            page.get_by_text("Elige primero una").wait_for()
        choices.first.focus()
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        page.locator("#contestar").focus()
        page.keyboard.press("Enter")
        page.locator("#veredicto .marcador").wait_for(timeout=90_000)
        rows = page.locator("#veredicto tr[data-who]")
        assert rows.evaluate_all("rows => rows.map(row => row.dataset.who)") == ["visitor", *PANELS]
        points = [int(row.split()[-1]) for row in rows.all_inner_texts()]
        assert all(0 <= own <= number for own in points)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if number < 10:
            page.locator("#siguiente").focus()
            page.keyboard.press("Enter")
    final = page.locator("#veredicto .final").inner_text()
    assert f"Tú: {points[0]} de 10; la mejor máquina: {max(points[1:])}." in final
    assert page.locator("#siguiente").is_hidden()


def test_a_text_in_spanish_gets_a_hint(visit):
    page = visit()
    ask(page, "Me duele la cabeza desde hace dos días y tengo fiebre")
    assert "Parece español" in page.locator("#respuesta .aviso").inner_text()


def test_the_model_to_explain_can_be_chosen(visit):
    page = visit()
    ask(page, "my joints are swollen every morning")
    assert ARMS["gpt2_finetuned"].name in page.locator(".palabras h3").inner_text()
    page.get_by_label("Explicar las palabras de").click()
    page.get_by_role("option", name=ARMS["bilstm"].name).click()
    page.wait_for_function(
        f"document.querySelector('.palabras h3').innerText.includes('{ARMS['bilstm'].name}')"
    )
    assert page.locator(".palabras mark").count() > 1


def test_shift_and_enter_send_and_an_empty_text_is_asked_for(visit):
    page = visit()
    ask(page, "   ")
    assert "Escribe primero" in page.locator("#respuesta").inner_text()
    assert arms(page) == []
    page.locator("#texto textarea").fill("a headache")
    page.locator("#texto textarea").press("Shift+Enter")
    page.locator("#respuesta .panel").first.wait_for()


def test_markup_emoji_and_right_to_left_are_shown_as_they_are(visit):
    page = visit()
    ask(page, SPITEFUL)
    assert arms(page) == EVERY
    assert page.locator(".palabras p").first.inner_text() == SPITEFUL
    assert page.locator("#respuesta :is(img, script, textarea)").count() == 0
    ask(page, "🤒🤧")
    assert arms(page) == EVERY
    assert page.locator(".palabras p").first.inner_text() == "🤒🤧"


def test_ten_thousand_words_are_cut_and_answered(visit, server):
    page = visit(390)
    ask(page, "fever " * 10_000)
    assert "se recortó a 2000" in page.locator("#respuesta .aviso").inner_text()
    assert arms(page) == EVERY
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert len(page.locator("#texto textarea").input_value()) == 2001  # the browser stops there
    ask(page, "fever " * 300)
    assert page.locator("#respuesta .aviso").count() == 0
    assert arms(page) == EVERY
    html = server.ask("fever " * 10_000)
    assert "se recortó a 2000" in html
    assert re.findall(r'data-arm="(\w+)"', html) == EVERY


def test_a_dark_browser_shows_dark_text_on_light_ground(visit):
    page = visit(color_scheme="dark")
    ask(page, "a headache")
    page.wait_for_timeout(300)  # its entrance fades in
    for place in (".banner", ".panel li .nombre", ".palabras p", ".titulo", "#texto textarea"):
        colour = page.locator(place).first.evaluate("e => getComputedStyle(e).color")
        assert all(int(part) < 110 for part in re.findall(r"\d+", colour)[:3]), (place, colour)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert all(int(part) > 230 for part in re.findall(r"\d+", ground)[:3]), ground


def test_only_this_machine_is_served_and_nothing_can_be_uploaded(server):
    listening = [
        c.laddr for c in psutil.Process(server.process.pid).net_connections() if c.status == "LISTEN"
    ]
    assert [(place.ip, place.port) for place in listening] == [("127.0.0.1", server.port)]
    sent = httpx.post(f"{server.url}/gradio_api/upload", files={"files": ("a.txt", b"some text")})
    assert sent.status_code >= 400
    assert httpx.get(f"{server.url}/gradio_api/info").json()["named_endpoints"] == {}


def test_each_framework_has_a_process_and_a_killed_one_comes_back(visit, server):
    page, before = visit(), server.workers()
    assert len(before) == 3
    for worker in before:
        worker.kill()
    ask(page, "a headache and light hurts")
    assert arms(page) == EVERY
    assert len(server.workers()) == 3
    assert not {*before} & {*server.workers()}
    loaded = [
        {part for part in ("torch", "tensorflow") if holds(worker, part)} for worker in server.workers()
    ]
    assert sorted(map(sorted, loaded)) == [[], ["tensorflow"], ["torch"]]


def holds(process, framework):
    return any(f"/{framework}/" in region.path for region in process.memory_maps())


def test_twenty_questions_at_once_are_all_answered_also_when_a_process_dies_under_them(server):
    with ThreadPoolExecutor(20) as threads:
        asked = [threads.submit(server.ask, f"question {number}", PANELS[number % 4]) for number in range(20)]
        time.sleep(1)
        for worker in server.workers():
            worker.kill()
        answers = [question.result() for question in asked]
    for number, html in enumerate(answers):
        assert re.findall(r'data-arm="(\w+)"', html) == EVERY
        assert re.sub(r"<[^>]+>", "", html).count(f"question {number}") == 1


def test_visitors_who_come_at_once_all_see_every_panel(visit):
    """Each with a page of a browser, which is what takes time: the server is asked by more above."""
    pages = [visit() for _ in range(3)]
    for page in pages:
        page.locator(".ejemplo").nth(2).click(no_wait_after=True)
    for page in pages:
        page.locator("#respuesta .panel").last.wait_for(timeout=180_000)
        assert arms(page) == EVERY


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_its_processes_end_with_the_server(first_visit, build, tmp_path, how):
    server = Server(build, tmp_path / "demo.log")
    workers = server.workers()
    assert "perfil quick · " in server.said
    assert len(workers) == 3
    if how == signal.SIGINT:
        os.killpg(server.process.pid, how)  # as Ctrl-C in a terminal
    else:
        server.process.send_signal(how)
    assert server.process.wait(20) == (130 if how == signal.SIGINT else -how)
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert "Traceback" not in server.said


def test_a_port_in_use_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        environment = os.environ | {"HELPERS_BUILD": str(tmp_path)}
        done = subprocess.run(
            [*COMMAND, "--port", port], env=environment, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == BAD_INPUT
    assert f"--port {port}: cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
