"""The default Keras text classifier, as SageMaker trains and serves it.

Read in this order: `training` and `serving` are what the two programs run; `classifier` is the model both
use; `features` is what it sees of a text (`encoder`, `static_embedding` and `vocabulary` are its three views)
and `network` the Keras part, of which `ensemble` has two; `fitting` trains them, with `out_of_fold`,
`label_errors` and `calibration` so that wrong labels do little harm and probabilities mean what they say, and
`smoothing`, `neighbors` and `nearest_examples` so that what is known of a text helps with those near it; all
they find makes the `fitted_model`. The rest reads what SageMaker lays down, and answers what it asks. Only
`backend` imports TensorFlow.
"""
