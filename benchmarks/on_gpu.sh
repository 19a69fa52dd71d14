#!/bin/sh
# What a GPU is wanted for, in one run of some minutes; the tables are written beside this file, the machine named in each.
#
#   sh benchmarks/on_gpu.sh [gpt2 | tiny]      tiny: the same with a network of one layer, to see that all of it runs
set -e
cd "$(dirname "$0")/.."
shape=${1:-gpt2}
steps=20
[ "$shape" = tiny ] && steps=4
python=${PYTHON:-.venv/bin/python}

echo "[1/3] pre-training: tokens a second, share of the bf16 peak, memory"
$python benchmarks/pretrain_throughput.py --shape "$shape"
echo "[2/3] fine-tuning in rows of 512 tokens: the same, and the loss in bf16 beside float32"
$python benchmarks/llm_speed.py --shape "$shape" --length 512 --steps $steps
echo "[3/3] fine-tuning on the passages as they are"
$python benchmarks/llm_speed.py --shape "$shape" --steps $steps
echo "the tables are in benchmarks/"
