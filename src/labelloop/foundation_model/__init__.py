"""A foundation model labels texts: at Amazon Bedrock, or on a server that speaks chat completions.

    prompt = Prompt(classes, mark=cache.mark(), ...)        what is sent about a text
    labeler = RowLabeler(prompt, reader, settings)          one text: request, answer, at most one repair
    client = ChatClient(...) or BedrockClient(...)          one request: attempts, errors in plain words
    asking = Asking(labeler, client, cache, spending, ...)  many texts at once, each answer paid for once
    for number, answer in asking.ask(rows): ...

Its labels are prior labels: nothing about them is believed before people have checked some.
"""
