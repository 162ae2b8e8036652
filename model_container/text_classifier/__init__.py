"""The default Keras text classifier, as SageMaker trains and serves it.

Read in this order: `training` and `serving` are what the two programs run; `classifier` is the model both
use; `features` is what it sees of a text and `network` the Keras part; the rest reads what SageMaker lays
down, and answers what it asks. Only `network` imports TensorFlow.
"""
