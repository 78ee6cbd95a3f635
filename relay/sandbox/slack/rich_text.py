"""What a rich_text block may contain."""

from __future__ import annotations

from relay.sandbox.slack.elements import BLOCK_ID
from relay.sandbox.slack.schema import array, boolean, choice, integer, record, string, url, variants

ANY_LENGTH = 1_000_000  # rich text has no limit of its own; the message as a whole has
MANY = 10_000

STYLE = record({}, dict.fromkeys(("bold", "italic", "strike", "underline", "code"), boolean))
MENTION_STYLE = record(
    {},
    dict.fromkeys(("bold", "italic", "strike", "underline", "highlight", "client_highlight", "unlink"), boolean),
)

TEXT = record({"text": string(ANY_LENGTH)}, {"style": STYLE})
LINK = record({"url": url(3000)}, {"text": string(ANY_LENGTH), "unsafe": boolean, "style": STYLE})
PIECES = {
    "text": TEXT,
    "link": LINK,
    "emoji": record({"name": string(255)}, {"unicode": string(255), "skin_tone": integer(1, 6), "style": STYLE}),
    "user": record({"user_id": string(255)}, {"style": MENTION_STYLE}),
    "channel": record({"channel_id": string(255)}, {"style": MENTION_STYLE}),
    "usergroup": record({"usergroup_id": string(255)}, {"style": MENTION_STYLE}),
    "team": record({"team_id": string(255)}, {"style": MENTION_STYLE}),
    "broadcast": record({"range": choice("here", "channel", "everyone")}, {"style": STYLE}),
    "date": record(
        {"timestamp": integer(0, 2**40), "format": string(255)},
        {"url": url(3000), "fallback": string(255), "style": STYLE},
    ),
    "color": record({"value": string(255)}, {"style": STYLE}),
}

SECTION = record({"elements": array(variants(PIECES), MANY)})
QUOTE = record({"elements": array(variants(PIECES), MANY)}, {"border": integer(0, 1)})
PREFORMATTED = record(
    {"elements": array(variants({"text": TEXT, "link": LINK}), MANY)},
    {"border": integer(0, 1), "language": string(255)},
)
LIST = record(
    {"style": choice("bullet", "ordered"), "elements": array(variants({"rich_text_section": SECTION}), MANY)},
    {"indent": integer(0, 8), "offset": integer(0, MANY), "border": integer(0, 1)},
)

RICH_TEXT = record(
    {
        "elements": array(
            variants(
                {
                    "rich_text_section": SECTION,
                    "rich_text_list": LIST,
                    "rich_text_quote": QUOTE,
                    "rich_text_preformatted": PREFORMATTED,
                }
            ),
            MANY,
        )
    },
    {"block_id": BLOCK_ID},
)
