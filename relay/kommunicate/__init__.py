"""All we know about Kommunicate: its token, its payloads and its REST calls.

The way of a webhook: `auth` lets it in, `parse` reads the JSON (`relay.jsontext`), checks the fields (`body`), asks the
table of `kinds` what it is and puts it into words (`notices`, `words`, `rich`, `html`, `attachments`).
The way out: `client` asks for `people` and sends `replies`, hand-overs and statuses over `http`.
"""
