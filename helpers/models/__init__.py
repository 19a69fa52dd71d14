"""The networks and baselines, and how each is trained; every `train` takes a task and gives logits.

`task` is what each `train` is told, `bases` finds the pre-trained weights and starts from them, `tokens`
turns text into numbers, `metrics` measures what comes out. `baselines` is scikit-learn; `keras_backend` and
`bilstm` are Keras; `finetuning`, `classifier` and `answering` are PyTorch. Keras and PyTorch are never
imported into one process.
"""
