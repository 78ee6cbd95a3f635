"""Customer chats from Kommunicate, read and answered in Slack.

The way of a message, and of a reply, by file names:

    in    web/kommunicate  ->  kommunicate/auth  ->  kommunicate/parse  ->  routing  ->  store/received  ->  200
    out   delivery/worker  ->  store/lanes  ->  slack/render  ->  slack/client  ->  delivery/policy  ->  settle
    in    web/slack  ->  slack/auth  ->  slack/inbound  ->  store/inbox  ->  200
    out   delivery/worker  ->  store/replies  ->  kommunicate/client  ->  delivery/marks

`messages`, `errors`, `clock` and `settings` are the ground every room stands on; `wiring` is the only
place where concrete things are built; `sandbox` plays both vendors and imports none of the rest.
"""

__version__ = "0.1.0"
