"""Where Kommunicate stores customers' files; a setting adds hosts.

Seen in its clients and in the files of chats: its own buckets at Amazon, and the upload service of the engine it runs
on. https://github.com/Kommunicate-io/Kommunicate-Web-SDK
"""

from __future__ import annotations

KNOWN_HOSTS = (
    "*.kommunicate.io",
    "kommunicate.s3.ap-south-1.amazonaws.com",
    "kommunicate.s3.amazonaws.com",
    "s3.amazonaws.com/kommunicate.io",
    "s3.ap-south-1.amazonaws.com/kommunicate",
    "googleupload.applozic.com",
    "applozic.appspot.com",
    "*.applozic.com",
)
