"""What a pre-trained language model buys: the code that the notebooks share.

Wings, in the order in which they may import (siblings in braces not each other):

    config, arms, options, files <- data <- models <- {pretraining, experiments} <- {analysis, figures}
        <- {report, demo} <- notebooks <- __main__

A test holds every module to it. Each wing's docstring says its job and lists its rooms in order.
"""
