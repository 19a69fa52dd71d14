"""The parts of pre-training: model, optimizer, schedule, and a Trainer that keeps time and writes samples."""

import math
import time
from pathlib import Path

import numpy as np
import torch
from pytorch_optimizer import Muon
from pytorch_optimizer.optimizer.utils import zero_power_via_newton_schulz_5
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback

from ..config import InputError
from ..models.finetuning import bf16_pays, precision
from ..models.metrics import bits_per_byte
from .corpus import PretrainSpec

WARMUP_STEPS = 100
DECAY = 0.4  # share of the steps, the last ones, in which the learning rate falls to 0
NEVER = 10**9  # steps of a run that only a time budget ends


class Schedule:
    """Learning-rate factor of a step: linear warm-up, constant, then linear decay to 0.

    The decay takes the last `DECAY` of the steps. `total` is the number of steps, or None while a time budget
    leaves it open. Since the decay's length is a share of the whole, a run that a budget ends after n steps
    has the very schedule of a run of n steps (warm-up–stable–decay: Hu et al., MiniCPM,
    arXiv:2404.06395). `LambdaLR` keeps the attributes of a callable object in its state, so a checkpoint
    knows a `total` that a budget has settled.
    """

    def __init__(self, total: int | None):
        self.total = total

    def __call__(self, step: int) -> float:
        warm = min(1.0, (step + 1) / WARMUP_STEPS)
        if self.total is None:
            return warm
        return min(warm, max(0.0, (self.total - step) / (DECAY * self.total)))

    def spend(self, step: int, seconds: float, budget: float) -> None:
        """Fixes `total` once only the decay's share of the budget (seconds) is left.

        Steps are taken to go on at the pace so far.
        """
        if seconds >= (1 - DECAY) * budget:
            self.total = min(self.total or NEVER, math.ceil(step / (1 - DECAY)))


class Float32Muon(Muon):
    """Muon whose matrices are made orthogonal in float32, for machines on which bf16 is only emulated.

    The library always does so in bf16: without bf16 in the CPU that takes most of a step.
    """

    @staticmethod
    def _orthogonalize(group: dict, updates: list[torch.Tensor]) -> list[torch.Tensor]:
        how = {"num_steps": group["ns_steps"], "weights": group["ns_coeffs"], "dtype": torch.float32}
        return [zero_power_via_newton_schulz_5(update, **how) for update in updates]


def make_optimizer(model: torch.nn.Module, spec: PretrainSpec) -> torch.optim.Optimizer:
    """Muon for the matrices of the blocks, AdamW for all else.

    Muon: K. Jordan, https://kellerjordan.github.io/posts/muon/, 2024. With `spec.optimizer` "adamw" the
    matrices are AdamW's too. GPT-2 keeps its matrices as (in, out), so the library's factor for tall ones,
    sqrt(rows / columns), goes to the second matrix of the feed-forward part.
    """
    named = list(model.named_parameters())
    blocks = [p for name, p in named if ".h." in name and p.ndim == 2]
    tables = [p for name, p in named if ".h." not in name and p.ndim == 2]
    vectors = [p for _, p in named if p.ndim == 1]
    adamw = {"use_muon": False, "lr": spec.adamw_learning_rate, "betas": (0.9, 0.95)}
    matrices = {"use_muon": True} if spec.optimizer == "muon" else adamw
    return (Muon if bf16_pays() else Float32Muon)(
        [
            {"params": blocks, **matrices, "lr": spec.learning_rate, "weight_decay": 0.1},
            {"params": tables, **adamw, "weight_decay": 0.1},
            {"params": vectors, **adamw, "weight_decay": 0.0},
        ]
    )


PROMPTS = ("The most common symptoms of influenza are", "The patient was a")


class Blocks:
    """A torch map-style dataset over packed rows (n, n_positions): `input_ids` and `labels`.

    The model shifts the labels itself.
    """

    def __init__(self, rows: np.ndarray):
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        row = self.rows[index].astype(np.int64)
        return {"input_ids": row, "labels": row}


class Pretrainer(Trainer):
    """A Trainer whose log also tells time spent, the settled number of steps, and what the model writes.

    `seconds` (wall) and `cpu_seconds` (of this process) go on from the last log entry after an interruption.
    """

    def __init__(self, *args, schedule: Schedule, tokenizer, seed: int, **kwargs):
        super().__init__(*args, **kwargs)
        self.schedule, self.tokenizer, self.seed = schedule, tokenizer, seed
        self.clocks = {"seconds": time.monotonic, "cpu_seconds": time.process_time}
        self.zero = {name: clock() for name, clock in self.clocks.items()}

    def spent(self) -> dict[str, float]:
        """Seconds of training so far, all sessions together."""
        return {name: round(clock() - self.zero[name], 1) for name, clock in self.clocks.items()}

    def go_on_from(self, history: list[dict]) -> None:
        """Sets the clocks to those of the last entry of an interrupted run.

        The schedule comes back with the scheduler's state.
        """
        last = history[-1]
        self.zero = {name: clock() - last[name] for name, clock in self.clocks.items()}

    def log(self, logs: dict, *args, **kwargs) -> None:
        if "eval_loss" in logs:
            logs["sample"] = self.sample()
        super().log({**logs, **self.spent(), "total_steps": self.schedule.total}, *args, **kwargs)

    def sample(self) -> str:
        """Continuations of `PROMPTS`, a line each, from the same random numbers each time.

        The training's own random numbers stay as they were.
        """
        texts = []
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(self.seed)
            for prompt in PROMPTS:
                most = self.model.config.n_positions
                ids = self.tokenizer(prompt, return_tensors="pt", truncation=True, max_length=most - 1)
                ids, room = ids.to(self.model.device), most - ids["input_ids"].shape[1]
                out = self.model.generate(**ids, max_new_tokens=min(40, room), do_sample=True, top_k=40)
                texts.append(" ".join(self.tokenizer.decode(out[0], skip_special_tokens=True).split()))
        return "\n".join(texts)


class Progress(TrainerCallback):
    """Restores the clocks, ends the run at the schedule's last step, and prints a line for each log entry."""

    def __init__(self, trainer: Pretrainer, spec: PretrainSpec, bytes_per_token: float, budget: float | None):
        self.trainer, self.spec, self.bytes_per_token, self.budget = trainer, spec, bytes_per_token, budget

    def on_train_begin(self, args, state, control, **kwargs):
        if state.log_history:
            self.trainer.go_on_from(state.log_history)

    def on_step_end(self, args, state, control, **kwargs):
        schedule = self.trainer.schedule
        if self.budget is not None:
            schedule.spend(state.global_step, slowest(self.trainer.spent()["seconds"], args), self.budget)
        if schedule.total is not None and state.global_step >= schedule.total:
            control.should_evaluate = control.should_save = control.should_training_stop = True
        # a checkpoint stands between two log entries, or a resumed log would differ
        if control.should_evaluate:
            control.should_log = True

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not math.isfinite(logs.get("loss", 0.0)):
            raise InputError(
                f"--learning-rate: the training loss became {logs['loss']} before step {state.global_step}; "
                f"lower it (the checkpoints before are in {args.output_dir})"
            )
        if not state.is_world_process_zero:
            return
        of = f"/{logs['total_steps']:,}" if logs.get("total_steps") else ""
        shown = f"step {state.global_step:,}{of} · {state.global_step * self.spec.step_tokens:,} tokens"
        if "eval_loss" in logs:
            bpb = bits_per_byte(logs["eval_loss"], self.bytes_per_token)
            print(f"{shown} · validation loss {logs['eval_loss']:.4f} · {bpb:.4f} bits/byte", flush=True)
        elif "loss" in logs:
            print(f"{shown} · training loss {logs['loss']:.4f} · {logs['seconds'] / 60:.0f} min", flush=True)


def slowest(seconds: float, arguments: TrainingArguments) -> float:
    """The greatest of all processes' clocks, so that all of them end at the same step."""
    if arguments.world_size == 1:
        return seconds
    clock = torch.tensor(seconds, device=arguments.device)
    torch.distributed.all_reduce(clock, torch.distributed.ReduceOp.MAX)
    return clock.item()


def make_model(spec: PretrainSpec, tokenizer) -> GPT2LMHeadModel:
    """A GPT-2 of the spec's shape with random weights, fixed by the spec's seed."""
    set_seed(spec.seed)
    end = tokenizer.eos_token_id
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=spec.n_positions,
            n_layer=spec.n_layer,
            n_embd=spec.n_embd,
            n_head=spec.n_head,
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
            resid_pdrop=spec.dropout,
            embd_pdrop=spec.dropout,
            attn_pdrop=spec.dropout,
        )
    )


def make_arguments(
    spec: PretrainSpec,
    directory: Path,
    compile_model: bool = True,
    eval_every: int = 200,
    micro_batch: int | None = None,
) -> TrainingArguments:
    """The Trainer's arguments; checkpoints go to `directory`.

    InputError when the processes cannot share a step's rows evenly.
    """
    arguments = TrainingArguments(
        output_dir=str(directory),
        max_steps=spec.max_steps or NEVER,
        max_grad_norm=1.0,
        **precision(),
        torch_compile=compile_model,
        eval_strategy="steps",
        eval_steps=eval_every,
        save_steps=eval_every,
        save_total_limit=2,
        load_best_model_at_end=True,  # it also keeps the best checkpoint from being cleared away
        metric_for_best_model="eval_loss",
        logging_steps=max(1, eval_every // 4),
        logging_nan_inf_filter=False,  # a loss that is not a number must be seen, not smoothed away
        dataloader_drop_last=True,  # every step has as many tokens as are counted
        ddp_timeout=7200,  # the others wait while one process prepares the text
        seed=spec.seed,
        data_seed=spec.seed,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to=[],
        disable_tqdm=True,
    )
    if arguments.n_gpu > 1:
        raise InputError(
            f"pretrain: {arguments.n_gpu} GPUs and one process; start it with `torchrun --nproc-per-node "
            f"{arguments.n_gpu}` or choose one with CUDA_VISIBLE_DEVICES=0"
        )
    share, rest = divmod(spec.batch_size, arguments.world_size)
    micro_batch = min(micro_batch or share, share)
    if rest or not share or share % micro_batch:
        raise InputError(
            f"--batch-size {spec.batch_size}: not a multiple of {arguments.world_size} processes times "
            f"--micro-batch {micro_batch}"
        )
    arguments.per_device_train_batch_size = arguments.per_device_eval_batch_size = micro_batch
    arguments.gradient_accumulation_steps = share // micro_batch
    return arguments


def make_trainer(
    model: GPT2LMHeadModel,
    arguments: TrainingArguments,
    spec: PretrainSpec,
    tokenizer,
    rows: dict[str, np.ndarray],
    bytes_per_token: float,
    budget: float | None = None,
) -> Pretrainer:
    """The Trainer with its optimizer, schedule and progress lines.

    rows: packed `train` and `valid`, (n, n_positions) each.
    """
    optimizer, schedule = make_optimizer(model, spec), Schedule(spec.max_steps)
    trainer = Pretrainer(
        model,
        arguments,
        train_dataset=Blocks(rows["train"]),
        eval_dataset=Blocks(rows["valid"]),
        optimizers=(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)),
        schedule=schedule,
        tokenizer=tokenizer,
        seed=spec.seed,
    )
    trainer.add_callback(Progress(trainer, spec, bytes_per_token, budget))
    trainer.remove_callback(PrinterCallback)  # it repeats the progress lines
    return trainer
