"""Customer chats from Kommunicate, read and answered in Slack.

The way of a message, and of a reply, by file names:

    message   web/kommunicate  ->  kommunicate/auth  ->  kommunicate/parse  ->  routing/rules
              ->  store/intake/webhooks  ->  200
              delivery/worker  ->  delivery/attempt  ->  store/queue/lanes  ->  delivery/handlers/messages
              ->  slack/render  ->  slack/client  ->  net/call  ->  delivery/attempt
    reply     web/slack  ->  slack/auth  ->  slack/parse  ->  store/intake/replies  ->  200
              delivery/worker  ->  delivery/attempt  ->  store/queue/lanes  ->  delivery/handlers/replies
              ->  kommunicate/client  ->  net/call  ->  delivery/attempt  ->  delivery/handlers/marks
    failure   slack/errors  ->  delivery/policy  ->  delivery/failures  ->  store/queue/closing

`messages`, `errors`, `clock` and `settings` are the ground every room stands on; `wiring` is the only
place where concrete things are built; `sandbox` plays both vendors and imports none of the rest.
"""

__version__ = "0.1.0"
