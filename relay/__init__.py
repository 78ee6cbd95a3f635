"""Customer chats from Kommunicate, read and answered in Slack.

The path of a message and of a reply, by file names:

    message   web/kommunicate  ->  kommunicate/auth  ->  kommunicate/parse  ->  routing/rules
              ->  store/intake/webhooks  ->  200
              delivery/worker  ->  delivery/attempt  ->  store/queue/lanes  ->  delivery/handlers/messages
              ->  slack/render  ->  slack/client  ->  net/call  ->  delivery/attempt
    reply     web/slack  ->  slack/auth  ->  slack/parse  ->  store/intake/replies  ->  200
              delivery/worker  ->  delivery/attempt  ->  store/queue/lanes  ->  delivery/handlers/replies
              ->  kommunicate/client  ->  net/call  ->  delivery/attempt  ->  delivery/handlers/marks
    failure   slack/errors  ->  delivery/policy  ->  delivery/failures  ->  delivery/gates
              ->  store/queue/closing

Every package may use `messages`, `errors`, `clock` and `settings`. Only `wiring` constructs concrete objects. `sandbox`
plays both vendors and imports nothing else from here.
"""

__version__ = "0.1.0"
