"""Customer chats from Kommunicate, read (and soon replied to) in Slack.

The way of a message, by file names:

    in    web/kommunicate  ->  kommunicate/auth  ->  kommunicate/parse  ->  routing  ->  store/received  ->  200
    out   delivery/worker  ->  store/deliveries  ->  slack/render  ->  slack/client  ->  delivery/policy  ->  settle

`messages`, `errors`, `clock` and `settings` are the ground every room stands on; `wiring` is the only
place where concrete things are built; `sandbox` plays both vendors and imports none of the rest.
"""

__version__ = "0.1.0"
