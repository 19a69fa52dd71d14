"""Keras, imported once and quietly. `KERAS_BACKEND` chooses what it runs on, by default TensorFlow."""

import os
from importlib.util import find_spec

__all__ = ["keras"]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if find_spec("tensorflow") is None:
    # a machine without TensorFlow trains the same networks on PyTorch
    os.environ.setdefault("KERAS_BACKEND", "torch")
# TensorFlow's start-up notices (no CUDA driver found…) come from native code and no setting silences them, so
# file descriptor 2 itself is turned away meanwhile; Python errors pass as ever.
_kept, _nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
os.dup2(_nowhere, 2)
try:
    import keras

    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        # The steps of an LSTM are small: one thread each for the two directions beats two threads that share
        # every product.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(2)
        # its advice about tracing is for one model, and a worker trains many
        tf.get_logger().setLevel("ERROR")
        if tf.config.list_physical_devices("GPU"):
            # on a CPU seeds suffice (tested), and it would double the time
            tf.config.experimental.enable_op_determinism()
finally:
    os.dup2(_kept, 2)
    os.close(_kept)
    os.close(_nowhere)
