"""All we know about Slack: safe text, Block Kit, its Web API and its errors.

text     links     what strangers typed, made safe to show
blocks             the few Block Kit shapes we use, with Slack's limits beside them
card     render    what a conversation looks like in Slack, purely
codes    errors    what each of Slack's refusals means for whoever called
auth               whether it was Slack who sent it
inbound  events    what people do in Slack: words, edits, clicks
web      client    one call, one outcome, no hidden retries
"""
