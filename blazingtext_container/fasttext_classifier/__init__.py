"""A stand-in for SageMaker's BlazingText: supervised fastText, with BlazingText's inputs and outputs.

Known differences: it trains all epochs (no early stopping). Its default is 100,000 buckets for word n-grams
instead of 2,000,000, which would make each model 160 MB.
"""
