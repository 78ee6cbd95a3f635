"""Everything we know about Kommunicate: its token, its payloads and its REST calls.

In: `auth` checks the token, `parse` reads the JSON (`relay.jsontext`), validates the fields (`body`), looks up what it
is in the table of `kinds`, and puts it into words (`notices`, `words`, `rich`, `html`).

Out: `client` looks up `people` and sends replies, hand-overs and statuses (`payloads`).
"""
