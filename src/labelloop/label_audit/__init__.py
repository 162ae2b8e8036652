"""The audit of labels that are given: which of them can be kept, certified, with few answers by people.

An audit is a run of the Loop in memory, with the given labels as its model:

    table        a CSV file with labels, read and checked
    audit_run    the run: whom to ask about what, batch after batch
    forecast     how many answers it will take, from simulated audits
    estimates    what the labels are worth: shares and errors with intervals (`confidence_sequence`)
    findings     how an audit ended, as a record for report.json
    page         the same as a page
    labeled_rows the user's rows with their labels
"""
