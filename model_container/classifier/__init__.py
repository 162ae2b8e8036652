"""What the model containers of texts and of images share: training, serving and predicting from encoded
objects.

It knows nothing of texts or images. Read the modules in this order:

- `training` and `serving` are the two programs, and `model` is the classifier that both use.
- `encoded` is what a container of texts or images gives: the networks' input for each object.
- `network` is the Keras part. `ensemble` contains one or two networks.
- `fitting` trains them. `out_of_fold`, `label_errors` and `calibration` limit the harm of wrong labels and
  make probabilities reliable. `views`, `smoothing`, `neighbors` and `nearest_examples` use what is known
  about similar objects. The result is the `fitted_model`.

The other modules read SageMaker's files and answer its requests. Only `backend` imports TensorFlow.
"""
