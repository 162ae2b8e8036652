"""Runs of the Loop in memory that are answered batch by batch, by whoever answers.

batch_run       the run: whom to ask about what, batch after batch
models          the models that can be asked: a quick one, or a container's `train` and `serve`
answer_record   people's answers in a file, from which a run is replayed
people          those who answer at once: a truth that is known
workbench       people at the labeling web application
"""
