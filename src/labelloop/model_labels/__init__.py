"""A foundation model at Amazon Bedrock labels a run's texts, before people are asked.

    check_instructions(model, classes)       whether a prompt can be made, before anything is sent
    advance(state, model, until)             asks what is left; or says that batch inference jobs should
    merge_labels(state, record, time)        the labels as one more source of prior labels, in the manifest

Answers are kept in the files of the execution that a lineage began with, each under the digest of its
request: whatever stops, none is paid for twice. From the merge on, all is as with labels that are given.
"""
