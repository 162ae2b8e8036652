"""The default Keras text classifier, which SageMaker trains and serves.

Read the modules in this order:

- `training` and `serving` are the two programs, and `classifier` is the model that both use.
- `features` computes the model's input for a text. `encoder`, `static_embedding` and `vocabulary` are its
  three views.
- `network` is the Keras part. `ensemble` contains two networks.
- `fitting` trains them. `out_of_fold`, `label_errors` and `calibration` limit the harm of wrong labels and
  make probabilities reliable. `smoothing`, `neighbors` and `nearest_examples` use what is known about similar
  texts. The result is the `fitted_model`.

The other modules read SageMaker's files and answer its requests. Only `backend` imports TensorFlow.
"""
