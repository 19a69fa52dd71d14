"""The smallest network, in Keras 3: the mean of the vectors of a text's words, and one dense layer."""

from functools import partial

from ..arms import EMBEDDING_DIM
from .keras_backend import keras
from .keras_training import WordDropout, train_words
from .task import Task


def build(
    vocab_size: int,
    num_labels: int,
    embedding: int = EMBEDDING_DIM,
    dropout: float = 0.0,
    word_dropout: float = 0.0,
):
    """Embedding -> mean over the words -> Dense softmax: inputs and outputs as of `bilstm.build`.

    Iyyer et al. 2015 (ACL, https://aclanthology.org/P15-1162), without their hidden layers. Dropout is of
    whole words and of the mean's numbers.
    """
    ids = x = keras.Input((None,), dtype="int32", name="ids")
    if word_dropout:
        x = WordDropout(word_dropout, name="word_dropout")(x)
    x = keras.layers.Embedding(vocab_size, embedding, mask_zero=True, name="embedding")(x)
    x = keras.layers.GlobalAveragePooling1D(name="mean")(x)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_labels, name="logits")(x)
    return keras.Model(ids, keras.layers.Softmax(name="softmax")(logits), name="bag")


NETWORK = ("embedding", "dropout", "word_dropout")


def train(task: Task) -> dict:
    """Trains the network that the arm's settings describe (see `build`, and `train_words` for the others)."""
    own = {name: value for name, value in task.arm.settings.items() if name in NETWORK}
    return train_words(task, partial(build, **own), task.arm.settings["batch_size"])
