"""The networks and baselines, and how each is trained; every `train` takes rows and gives logits.

`task` is what each `train` is told, `bases` finds the pre-trained weights, `tokens` turns text into numbers,
`metrics` measures logits, `hardware` says what the machine does well. `baselines` is scikit-learn;
`keras_backend` and `bilstm` are Keras; `gpt2`, `finetuning`, `classifier`, `answering` and `surprise` are
PyTorch. Keras and PyTorch are never imported into one process.
"""
