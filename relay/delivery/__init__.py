"""The lane engine: claims what is due, freezes it, sends it, settles it."""
