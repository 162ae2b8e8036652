"""The default Keras text classifier, which SageMaker trains and serves: what of it depends on texts.

All else is in the package `classifier`. Read the modules in this order:

- `training` and `serving` start the two programs, and `classifier` reads a trained model.
- `features` computes the model's input for a text. `encoder`, `static_embedding` and `vocabulary` are its
  three views. `token_network` learns from the third one alone, too.
"""
