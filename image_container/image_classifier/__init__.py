"""The default Keras image classifier, which SageMaker trains and serves: what of it depends on images.

All else is in the package `classifier`, which lies in `model_container/`. Read the modules in this order:

- `training` and `serving` start the two programs, and `model` reads a trained model.
- `features` computes the model's input for an image: `image_source` fetches it, `pictures` reads it, and
  `backbone` encodes it. Without a backbone, `pixel_network` learns from pixels.
- `encoding_parts` keeps encodings in S3 for the later jobs of a run, in files that `encoding_part` reads and
  writes.
- `backbone_files` fetches the backbone: `torch_weights` reads its file, `efficientnet_lite` builds it.
"""
