"""GPT-2 classifiers: random weights are random, pre-trained ones the base's, and padding changes nothing."""

import json
import shutil
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from helpers.analysis import probing
from helpers.arms import ARMS
from helpers.config import ROOT, InputError
from helpers.data import splits
from helpers.data.study import prepare
from helpers.models import bases, classifier, finetuning, metrics
from helpers.models.task import Task

from .conftest import torchrun

TEXTS = [
    "Burning pain behind the breastbone after meals.",
    "Itchy rash.",
    "A child with fever, barking cough and noisy breath at night.",
]


@pytest.fixture(scope="module")
def study():
    return prepare("quick")


def quiet(text):
    pass


def train(split, arm, rate, seed, epochs, progress, *, base, work, anew=True, rows=None):
    """`classifier.train` of an arm given by its id, on passages cut anew."""
    return classifier.train(
        Task(split, ARMS[arm], rate, seed, epochs, base, work=work, progress=progress, anew=anew, rows=rows)
    )


def size(model):
    return sum(parameter.numel() for parameter in model.parameters())


def untimed(result):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in result["history"]]


@pytest.mark.parametrize("base", ["toy_base", "models/gpt2-mini"])
def test_scratch_is_random_and_finetuned_starts_from_the_base(base, request):
    base = str(request.getfixturevalue(base)) if base == "toy_base" else base
    scratch, other, tuned = (
        classifier.build(ARMS[a], base, ["x", "y", "z"], s)
        for a, s in (("gpt2_scratch", 0), ("gpt2_scratch", 1), ("gpt2_finetuned", 0))
    )
    where, _ = bases.resolve_base(base)
    body = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32).transformer.state_dict()
    assert all(torch.equal(tensor, tuned.body.state_dict()[name]) for name, tensor in body.items())
    matrices = [name for name, tensor in body.items() if tensor.ndim == 2]
    for name in matrices:
        random = scratch.body.state_dict()[name]
        assert not torch.equal(random, body[name])
        assert not torch.equal(random, other.body.state_dict()[name])
        # GPT-2 draws weights from N(0, 0.02), those of the residual projections narrower.
        assert 0.002 < random.std() < 0.025
    assert size(scratch) == size(tuned)
    assert {p.dtype for p in tuned.parameters()} == {torch.float32}
    assert all(p.requires_grad for p in tuned.parameters())


def test_a_deep_network_learns_from_a_text_of_dropped_tokens_alone(toy_llama, tmp_path):
    """From random weights: the dropped token is the pad token, whose vector transformers leaves at zero."""
    deep = shutil.copytree(toy_llama, tmp_path / "deep")
    config = json.loads((deep / "config.json").read_text())
    (deep / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 60}))
    network = bases.start_model("body", "random", str(deep), seed=0)
    model = classifier.Classifier(network, 2, "mean", token_dropout=1.0)
    rows = bases.load_tokenizer(str(deep))(TEXTS[:1], return_tensors="pt")
    model(**rows, labels=torch.tensor([1]))["loss"].backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(gradients) > 400
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_weights_kept_in_half_precision_come_back(any_base):
    model, other = (classifier.build(ARMS["gpt2_finetuned"], any_base, ["x", "y"], seed) for seed in (0, 1))
    tokenizer = bases.load_tokenizer(any_base)
    again = bases.put_weights(other, bases.weights_of(model))
    assert np.allclose(
        classifier.logits_of(again, tokenizer, TEXTS),
        classifier.logits_of(model, tokenizer, TEXTS),
        atol=0.01,
    )
    with pytest.raises(KeyError):
        bases.put_weights(other, {})


def test_a_text_is_cut_at_what_the_model_reads_also_where_its_tokenizer_says_nothing(toy_base, tmp_path):
    base = shutil.copytree(toy_base, tmp_path / "base")
    settings = json.loads((base / "tokenizer_config.json").read_text())
    settings.pop("model_max_length", None)
    (base / "tokenizer_config.json").write_text(json.dumps(settings))
    positions = json.loads((base / "config.json").read_text())["n_positions"]
    (row,) = bases.encode(bases.load_tokenizer(str(base)), ["fever " * 500])
    assert len(row["input_ids"]) == positions


def test_logits_do_not_depend_on_padding_or_company(any_base):
    model, tokenizer = (
        classifier.build(ARMS["gpt2_finetuned"], any_base, list("abcd"), 0),
        bases.load_tokenizer(any_base),
    )
    alone = classifier.logits_of(model, tokenizer, TEXTS, batch_size=1)
    assert np.allclose(alone, classifier.logits_of(model, tokenizer, TEXTS, batch_size=3), atol=1e-5)
    for side in ("right", "left"):
        tokenizer.padding_side = side
        wide = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=60, return_tensors="pt")
        with torch.inference_mode():
            assert np.allclose(alone, model(**wide)["logits"].numpy(), atol=1e-5), side
    assert np.abs(alone - alone[0]).max() > 1e-3  # the texts do differ


def test_features_are_what_the_last_layer_reads(any_base, monkeypatch):
    model, tokenizer = (
        classifier.build(ARMS["gpt2_frozen"], any_base, list("abcd"), 0),
        bases.load_tokenizer(any_base),
    )
    rounded = classifier.features_of(model, tokenizer, TEXTS, batch_size=2)
    monkeypatch.setattr(finetuning, "bf16_pays", lambda: False)
    features = classifier.features_of(model, tokenizer, TEXTS, batch_size=2)
    assert features.shape == (3, 32)
    np.testing.assert_allclose(rounded, features, atol=0.05)  # eight bits of a number near 1
    by_hand = features @ model.score.weight.detach().numpy().T
    np.testing.assert_allclose(by_hand, classifier.logits_of(model, tokenizer, TEXTS), atol=1e-5)


def test_texts_longer_than_the_positions_are_cut(toy_base):
    tokenizer = bases.load_tokenizer(str(toy_base))
    assert len(bases.encode(tokenizer, ["fever " * 500])[0]["input_ids"]) == 64


@pytest.mark.parametrize("arm", ["gpt2_scratch", "gpt2_frozen", "gpt2_finetuned"])
def test_one_seed_gives_the_same_numbers_and_another_seed_others(study, toy_base, tmp_path, arm):
    first, again, other = (
        train(study.split, arm, 1e-3, seed, 2, quiet, base=str(toy_base), work=tmp_path / f"{n}")
        for n, seed in enumerate((0, 0, 1))
    )
    assert np.array_equal(first["test_logits"], again["test_logits"])
    assert untimed(first) == untimed(again)
    assert not np.array_equal(first["test_logits"], other["test_logits"])
    assert [row["epoch"] for row in first["history"]] == [1, 2]
    assert {
        "train_loss",
        "valid_loss",
        "valid_accuracy",
        "valid_mrr",
        "seconds",
    } == set(first["history"][0]) - {"epoch"}


@pytest.mark.parametrize(
    ("arm", "part"), [("gpt2_scratch", 1), ("gpt2_frozen", 1), ("gpt2_self", 1), ("gpt2_self", 2)]
)
def test_a_killed_run_resumes_to_the_numbers_of_an_unbroken_one(
    study, any_base, tmp_path, monkeypatch, arm, part
):
    """part: of a run that first reads and then classifies, the one in whose third epoch it is killed.

    What it has read it does not read again.
    """
    thirds, fits, real = [], [], classifier.fit

    def killed_in_the_third_epoch(text):
        thirds.extend([text] * text.startswith("epoch 3/"))
        if len(thirds) == part:
            raise KeyboardInterrupt

    arguments = (study.split, arm, 1e-3, 0, 4)
    unbroken = train(*arguments, quiet, base=any_base, work=tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        train(*arguments, killed_in_the_third_epoch, base=any_base, work=tmp_path / "b")
    assert any((tmp_path / "b").rglob("checkpoint-*"))
    monkeypatch.setattr(classifier, "fit", lambda *given: fits.append(given) or real(*given))
    resumed = train(*arguments, quiet, base=any_base, work=tmp_path / "b")
    assert np.array_equal(unbroken["test_logits"], resumed["test_logits"])
    assert untimed(unbroken) == untimed(resumed)
    assert len(fits) == (
        2 if (arm, part) == ("gpt2_self", 1) else 1
    )  # what it has read it does not read again
    assert all(row["seconds"] > 0 for row in resumed["history"])


@pytest.mark.parametrize(("arm", "moves"), [("gpt2_frozen", False), ("gpt2_finetuned", True)])
def test_a_frozen_body_is_the_base_bit_for_bit_after_training(
    study, toy_base, tmp_path, monkeypatch, arm, moves
):
    trained, real = [], classifier.logits_of
    monkeypatch.setattr(
        classifier, "logits_of", lambda model, *rest: trained.append(model) or real(model, *rest)
    )
    result = train(study.split, arm, 1e-2, 0, 2, quiet, base=str(toy_base), work=tmp_path / "w")
    start = classifier.build(ARMS[arm], str(toy_base), splits.label_classes(study.split).tolist(), 0)
    body, head = (
        all(
            torch.equal(p, dict(start.named_parameters())[n])
            for n, p in trained[-1].named_parameters()
            if part in n
        )
        for part in ("body.", "score.")
    )
    assert body != moves
    assert not head
    free = [p.numel() for n, p in start.named_parameters() if moves or "score" in n]
    assert result["parameters"] == sum(free)


def test_the_trainer_asks_for_the_passages_of_each_epoch_also_after_a_kill(
    study, toy_base, tmp_path, monkeypatch
):
    asked, real = [], classifier.epoch_rows
    monkeypatch.setattr(classifier, "epoch_rows", lambda task, n: asked.append(n) or real(task, n))

    def kill(text):
        if text.startswith("epoch 3/"):
            raise KeyboardInterrupt

    for progress in (kill, quiet):
        with suppress(KeyboardInterrupt):
            train(study.split, "gpt2_scratch", 1e-3, 0, 4, progress, base=str(toy_base), work=tmp_path)
        asked.append("|")
    first, second, _ = "".join(map(str, asked)).split("|")
    assert list(dict.fromkeys(first)) == ["0", "1", "2"]
    assert list(dict.fromkeys(second[1:])) == ["2", "3"]  # the first draw is for the number of steps
    texts = [real(Task(study.split, ARMS["gpt2_scratch"], anew=True), number)[0] for number in (0, 1, 0)]
    assert texts[0] == texts[2] != texts[1]


def test_it_starts_from_what_its_own_pages_taught_it_and_from_nothing_else(
    study, toy_base, tmp_path, monkeypatch
):
    """Before the first step its body is the language model's that read the training rows, not the base's."""
    read, starts, real = [], [], classifier.fit

    def fit(make, *arguments):
        starts.append({name: p.clone() for name, p in make().named_parameters()})
        model, history = real(make, *arguments)
        read.append(model)
        return model, history

    monkeypatch.setattr(classifier, "fit", fit)
    train(study.split, "gpt2_self", 1e-3, 0, 2, quiet, base=str(toy_base), work=tmp_path)
    lm, start = read[0].base_model.state_dict(), starts[1]
    base = classifier.build(ARMS["gpt2_finetuned"], str(toy_base), ["x", "y"], 0).body.state_dict()
    for name in lm:
        assert torch.equal(start[f"body.{name}"], lm[name].cpu())
        assert lm[name].ndim < 2 or not torch.equal(lm[name].cpu(), base[name])
    moved = [name for name in lm if not torch.equal(lm[name].cpu(), starts[0][f"transformer.{name}"])]
    assert len(moved) == len(lm)


def test_labels_are_smoothed_in_training_alone(toy_base):
    model = classifier.Classifier(
        classifier.build(ARMS["gpt2_scratch"], str(toy_base), ["x"], 0).body, 4, "mean", smoothing=0.5
    )
    given = dict(input_ids=torch.tensor([[5, 6]]), attention_mask=torch.ones(1, 2, dtype=torch.long))
    labels = torch.tensor([2])
    model.eval()
    out = model(**given, labels=labels)
    plain = torch.nn.functional.cross_entropy(out["logits"], labels)
    assert out["loss"].item() == pytest.approx(plain.item())
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.train()
    logits = model(**given)["logits"]
    even = torch.log_softmax(logits, -1).mean().item()
    expected = -0.5 * torch.log_softmax(logits, -1)[0, 2].item() - 0.5 * even
    assert model(**given, labels=labels)["loss"].item() == pytest.approx(expected, rel=1e-4)


def test_tokens_and_what_the_dense_layer_reads_are_lost_in_training_alone(toy_base):
    body = classifier.build(ARMS["gpt2_scratch"], str(toy_base), ["x"], 0).body
    for module in body.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    given = dict(input_ids=torch.full((50, 4), 7), attention_mask=torch.ones(50, 4, dtype=torch.long))
    plain = classifier.Classifier(body, 4, "mean").eval()
    for settings in ({"dropout": 0.5}, {"token_dropout": 0.5}):
        model = classifier.Classifier(body, 4, "mean", **settings)
        model.score = plain.score
        assert torch.equal(model.eval()(**given)["logits"], plain(**given)["logits"])
        assert len(torch.unique(model.train()(**given)["logits"], dim=0)) > 5


def test_the_dense_layer_learns_at_a_rate_of_its_own(toy_base):
    model = classifier.build(ARMS["gpt2_finetuned"], str(toy_base), ["x", "y"], 0)
    groups = finetuning.optimizer(model, Task(None, ARMS["gpt2_finetuned"], 1e-4)).param_groups
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    faster = ARMS["gpt2_finetuned"].settings["head_rate"]
    for name, parameter in model.named_parameters():
        assert rates[id(parameter)] == pytest.approx(1e-4 * (faster if name.startswith("score") else 1))
    plain = [p for group in groups if not group["weight_decay"] for p in group["params"]]
    assert {id(p) for p in plain} == {id(p) for p in model.parameters() if p.ndim == 1}


def test_with_fewer_rows_a_run_takes_as_many_steps(study, toy_base, tmp_path, monkeypatch):
    steps, step = [], finetuning.Trainer.training_step
    monkeypatch.setattr(
        finetuning.Trainer, "training_step", lambda self, *rest: steps.append(1) or step(self, *rest)
    )
    rows, counts = int((study.split["side"] == "train").sum()), []
    for split in (study.split, splits.thin(study.split, 1, 0)):
        steps.clear()
        work = tmp_path / str(len(counts))
        train(split, "gpt2_scratch", 1e-3, 0, 2, quiet, base=str(toy_base), work=work, rows=rows)
        counts.append(len(steps))
    assert counts[0] == counts[1] == 2 * -(-rows // finetuning.BATCH_SIZE)


def test_the_best_epoch_on_validation_is_kept(study, toy_base, tmp_path):
    result = train(study.split, "gpt2_scratch", 1e-2, 0, 4, quiet, base=str(toy_base), work=tmp_path / "w")
    labels = splits.side(study.split, "valid")[1]
    kept = metrics.mean_reciprocal_rank(result["valid_logits"], labels)
    assert kept == pytest.approx(max(row["valid_mrr"] for row in result["history"]), abs=1e-3)


@pytest.mark.skipif(not finetuning.bf16_pays(), reason="this machine trains in float32: nothing to round")
def test_logits_are_computed_in_float32_even_after_training_in_bf16(study, toy_base, tmp_path):
    result = train(study.split, "gpt2_finetuned", 1e-3, 0, 1, quiet, base=str(toy_base), work=tmp_path / "w")
    logits = torch.from_numpy(result["valid_logits"])
    rounded = logits.to(torch.bfloat16).to(torch.float32)
    assert (logits != rounded).float().mean() > 0.9


@pytest.mark.parametrize(
    ("event", "after", "which"), [("on_epoch_begin", 1, "training"), ("on_epoch_end", 2, "validation")]
)
def test_a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_epoch_before(
    study, toy_base, tmp_path, monkeypatch, event, after, which
):
    """Also when the last step of an epoch spoils the weights, after every logged training loss was finite."""

    class Spoiling(finetuning.EpochReport):
        pass

    def spoil(self, args, state, control, model=None, **kwargs):
        if state.epoch and round(state.epoch) == after:
            torch.nn.init.constant_(model.score.weight, float("nan"))
        self.began = 0.0

    setattr(Spoiling, event, spoil)
    monkeypatch.setattr(finetuning, "EpochReport", Spoiling)
    with pytest.raises(
        FloatingPointError, match=f"{which} loss became nan in epoch 2.*: lower the learning rate"
    ):
        train(study.split, "gpt2_scratch", 1e-3, 0, 3, quiet, base=str(toy_base), work=tmp_path)
    (checkpoint,) = tmp_path.glob("checkpoint-*")
    kept = load_file(checkpoint / "model.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in kept.values())


@pytest.mark.parametrize("fits, near", [(16, 2e-3), (4, 0.06)])
def test_out_of_memory_halves_what_goes_through_at_once_and_changes_nothing_else(
    study, toy_base, tmp_path, monkeypatch, fits, near
):
    """Without dropout the sums over micro-batches are those of the whole batch.

    30 rows make two equal parts of 15, so the same gradient, and eight nearly equal ones of 4 and 3. One
    epoch: of two near chance, rounding alone would decide which is the best.
    """
    monkeypatch.setattr(classifier, "build", still(classifier.build))
    arguments = (study.split, "gpt2_finetuned", 1e-3, 0, 1)
    whole = train(*arguments, quiet, base=str(toy_base), work=tmp_path / "a", anew=False)
    sizes, said, step = [], [], finetuning.Trainer.training_step

    def small(self, model, inputs, *rest):
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > fits:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        return step(self, model, inputs, *rest)

    monkeypatch.setattr(finetuning.Trainer, "training_step", small)
    halved = train(*arguments, said.append, base=str(toy_base), work=tmp_path / "b", anew=False)
    assert [size for size in sizes if size > fits] == sorted((s for s in sizes if s > fits), reverse=True)
    assert fits // 2 <= max(sizes[-2:]) <= fits
    assert any(f"out of memory: {fits} rows" in line for line in said)
    np.testing.assert_allclose(whole["test_logits"], halved["test_logits"], atol=near)
    losses = [[row["train_loss"] for row in result["history"]] for result in (whole, halved)]
    assert losses[0] == pytest.approx(losses[1], rel=near)


def still(build):
    """`build`, its dropout switched off."""

    def make(*arguments):
        model = build(*arguments)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        model.token_dropout = 0.0
        return model

    return make


def test_memory_that_does_not_suffice_for_one_row_is_explained(study, toy_base, tmp_path, monkeypatch):
    def never(*arguments):
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(finetuning.Trainer, "training_step", never)
    with pytest.raises(InputError, match=r"1 row\(s\) at once .* smaller base or shorter texts"):
        train(study.split, "gpt2_scratch", 1e-3, 0, 1, quiet, base=str(toy_base), work=tmp_path)


def test_two_processes_share_a_step_and_keep_one_record(study, toy_base, tmp_path):
    """Under torchrun: the rows of a step are shared, and the first process alone writes."""
    printed = torchrun(tmp_path, "grid", "--profile=quick", "--arms=gpt2_scratch")
    kept = [json.loads(file.read_text()) for file in tmp_path.glob("runs/*/record.json")]
    assert len(kept) == 6 == printed.count("valid accuracy")
    assert not list(tmp_path.glob("runs/*.work"))
    for record in kept:
        assert [row["epoch"] for row in record["history"]] == [1, 2]
    kept = [record for record in kept if record["spec"]["fraction"] is None]
    one = train(
        study.split, "gpt2_scratch", kept[0]["spec"]["value"], kept[0]["spec"]["seed"], 2, quiet,
        base=study.profile.base, work=tmp_path / "one",
    )  # fmt: skip
    # Other rows together and other dropout, so not the same loss; on a wrong scale it would be twice that.
    assert kept[0]["history"][0]["train_loss"] == pytest.approx(one["history"][0]["train_loss"], rel=0.3)


def test_what_the_class_sees_is_what_the_grid_trains(toy_base):
    """The cell of notebook 05 that makes a classifier: the logits and the loss are ours."""
    cells = json.loads((ROOT / "notebooks" / "05_gpt2.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = next("".join(cell["source"]) for cell in cells if cell["id"] == "05-33b")
    space = {"torch": torch}
    exec(shown, space)
    base, tokenizer = str(toy_base), bases.load_tokenizer(str(toy_base))
    theirs = space["Classifier"](bases.start_model("body", "base", base, 0), 4).eval()
    own = classifier.Classifier(bases.start_model("body", "base", base, 0), 4, "mean").eval()
    own.score.load_state_dict(theirs.score.state_dict())
    batch = dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))
    batch = {name: batch[name] for name in ("input_ids", "attention_mask")} | {
        "labels": torch.tensor([0, 3, 1])
    }
    there, here = theirs(**batch), own(**batch)
    torch.testing.assert_close(there["logits"], here["logits"])
    torch.testing.assert_close(there["loss"], here["loss"])


def test_what_is_opened_by_hand_is_a_gpt2_whatever_the_base():
    other = SimpleNamespace(config=SimpleNamespace(model_type="llama"))
    opened, cutter = probing.a_gpt2(other, None)
    assert opened.config.model_type == "gpt2"
    assert cutter.decode(cutter("fever")["input_ids"]) == "fever"
    assert probing.a_gpt2(opened, cutter) == (opened, cutter)
