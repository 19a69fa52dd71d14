"""The networks and baselines, and how each is trained; every `train` takes a task and gives logits.

`task` is what each `train` is told, with the rows and batches of its epochs; `bases` finds the pre-trained
weights and starts from them, `smollm2` unpacks one of them; `tokens` turns text into numbers, `metrics`
measures what comes out. `baselines` is scikit-learn; `keras_backend`, `keras_training`, `bag` and `bilstm`
are Keras; `finetuning`, `classifier` and `answering` are PyTorch. Keras and PyTorch are never imported into
one process.
"""
