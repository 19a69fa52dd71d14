"""What a pre-trained language model buys: the code that the notebooks share.

Data flows one way: data -> fragments -> splits -> text -> audit, embeddings -> models -> experiments -> comparison ->
plots, report -> pipeline.
Each module imports only from those before it. Keras and PyTorch are imported inside functions, never in one process.
"""
