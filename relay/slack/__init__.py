"""Everything we know about Slack: safe text, Block Kit, its Web API and its errors.

text                  untrusted text, made safe to show
blocks                the few Block Kit shapes we use, with Slack's limits beside them
card     render       what a conversation looks like in Slack, as pure functions
codes    errors       what each of Slack's refusals means for the caller
auth                  whether Slack sent a request
parse    events       what people do in Slack: messages, edits, clicks
api      client       one call, one outcome, no hidden retries
"""
